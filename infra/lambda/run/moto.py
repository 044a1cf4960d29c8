"""Starts moto's server for run-lambda, with four things changed: the price of a transaction, that of a query, what an iterator reads, and
when a session began.

moto copies the whole table once for each item of a transaction, to be able to take it back: with some hundred customers that is many seconds.
Here it is copied once, records of the stream are not copied at all (nothing changes them), and an item shares its attributes with its copy
(an update replaces them whole). And moto sorts the whole table for each query, of a partition or of an index; here it gets to see the partition
alone. An iterator of a stream went on reading the table that a transaction wrote which was taken back; here it reads the one there is. And what a
refresh token gives out says when its session began, not when it was used: by that it is refused once the sessions are ended. What moto answers
else is as before. Requests to DynamoDB must come one at a time; front.go sees to that.
"""

import copy
import time

import moto.dynamodb.models as models
from moto.cognitoidp.models import CognitoIdpUserPool
from moto.dynamodb.models.dynamo_type import Item, LimitedSizeDict
from moto.dynamodb.models.table import StreamRecord, Table
from moto.dynamodbstreams.models import ShardIterator
from moto.server import main


def shared(item, memo):
    twin = Item.__new__(Item)
    memo[id(item)] = twin
    twin.hash_key, twin.range_key = item.hash_key, item.range_key
    twin.attrs = LimitedSizeDict.__new__(LimitedSizeDict)
    dict.update(twin.attrs, item.attrs)
    return twin


class Copies:
    """The module copy, which keeps the copies of tables for as long as a transaction lasts."""

    tables = {}

    def deepcopy(self, x, memo=None):
        if not isinstance(x, Table):
            return copy.deepcopy(x, memo)
        if x.name not in self.tables:
            self.tables[x.name] = copy.deepcopy(x, memo)
        return self.tables[x.name]


transact = models.DynamoDBBackend.transact_write_items


def once(self, items):
    Copies.tables = {}
    try:
        return transact(self, items)
    finally:
        Copies.tables = {}


ask = Table.query


def query(self, hash_key, *args, **named):
    index = args[6] if len(args) > 6 else named.get("index_name")
    if index:
        wanted = [(name, value.value) for name, value in named["hash_key_conditions"]]
        rows = [i for part in self.items.values() for i in part.values() if all(n in i.attrs and i.attrs[n].value == v for n, v in wanted)]
    else:
        rows = list(self.items[hash_key].values()) if hash_key in self.items else []
    rows.sort(key=lambda i: (i.hash_key, i.range_key))
    self.all_items = lambda: rows
    try:
        return ask(self, hash_key, *args, **named)
    finally:
        del self.all_items


read = ShardIterator.get


def get(self, limit=1000):
    self.stream_shard = self.streams_backend.dynamodb.get_table(self.stream_shard.table.name).stream_shard
    return read(self, limit)


began = {}
token = CognitoIdpUserPool.create_jwt


def create_jwt(self, client_id, username, token_use, expires_in=60 * 60, extra_data=None):
    data = dict(extra_data or {})
    if "origin_jti" in data:
        data["auth_time"] = began.setdefault(data["origin_jti"], int(time.time()))
    return token(self, client_id, username, token_use, expires_in, data)


CognitoIdpUserPool.create_jwt = create_jwt
ShardIterator.get = get
Table.query = query
Item.__deepcopy__ = shared
StreamRecord.__deepcopy__ = lambda record, memo: record
models.copy = Copies()
models.DynamoDBBackend.transact_write_items = once
main()
