#!/usr/bin/env python3
"""Makes vectors.json: a second reading of the formats of shared/crypt and shared/keys/local, from their descriptions alone.

AES and GCM are written out here from FIPS 197 and SP 800-38D; HKDF-Expand (RFC 5869) and HMAC come from the standard library. Run
it to see that the vectors are what it says: python3 vectors.py | diff - vectors.json
"""
import hashlib
import hmac
import json


# --- AES-256 (FIPS 197), encryption only -----------------------------------------------------------------------------------------
def xtime(a):
    a <<= 1
    return (a ^ 0x11B) & 0xFF if a & 0x100 else a


def gmul(a, b):
    r = 0
    while b:
        if b & 1:
            r ^= a
        a, b = xtime(a), b >> 1
    return r


def make_sbox():
    box = []
    for x in range(256):
        inv = next((y for y in range(256) if gmul(x, y) == 1), 0)
        s = 0x63
        for i in range(5):
            s ^= ((inv << i) | (inv >> (8 - i))) & 0xFF
        box.append(s)
    return box


SBOX = make_sbox()


def expand_key(key):
    nk, rounds = 8, 14
    w = [list(key[4 * i:4 * i + 4]) for i in range(nk)]
    rcon = 1
    for i in range(nk, 4 * (rounds + 1)):
        t = list(w[i - 1])
        if i % nk == 0:
            t = [SBOX[b] for b in t[1:] + t[:1]]
            t[0] ^= rcon
            rcon = xtime(rcon)
        elif i % nk == 4:
            t = [SBOX[b] for b in t]
        w.append([a ^ b for a, b in zip(w[i - nk], t)])
    return [sum(w[4 * r:4 * r + 4], []) for r in range(rounds + 1)]


def encrypt_block(round_keys, block):
    s = [a ^ b for a, b in zip(block, round_keys[0])]
    for r in range(1, 15):
        s = [SBOX[b] for b in s]
        s = [s[(i + 4 * (i % 4)) % 16] for i in range(16)]
        if r < 14:
            out = []
            for c in range(4):
                a = s[4 * c:4 * c + 4]
                for i in range(4):
                    out.append(gmul(a[i], 2) ^ gmul(a[(i + 1) % 4], 3) ^ a[(i + 2) % 4] ^ a[(i + 3) % 4])
            s = out
        s = [a ^ b for a, b in zip(s, round_keys[r])]
    return bytes(s)


# --- GCM with a nonce of 12 bytes (SP 800-38D) ------------------------------------------------------------------------------------
def ghash(h, data):
    y = 0
    for i in range(0, len(data), 16):
        y ^= int.from_bytes(data[i:i + 16], "big")
        z, v = 0, h
        for bit in range(127, -1, -1):
            if y >> bit & 1:
                z ^= v
            v = (v >> 1) ^ (0xE1 << 120 if v & 1 else 0)
        y = z
    return y


def pad16(b):
    return b + bytes(-len(b) % 16)


def gcm_seal(key, nonce, plain, ad):
    rk = expand_key(key)
    h = int.from_bytes(encrypt_block(rk, bytes(16)), "big")
    text = b""
    for i in range(0, len(plain), 16):
        pad = encrypt_block(rk, nonce + (i // 16 + 2).to_bytes(4, "big"))
        text += bytes(a ^ b for a, b in zip(plain[i:i + 16], pad))
    lengths = (8 * len(ad)).to_bytes(8, "big") + (8 * len(text)).to_bytes(8, "big")
    s = ghash(h, pad16(ad) + pad16(text) + lengths)
    tag = s ^ int.from_bytes(encrypt_block(rk, nonce + bytes([0, 0, 0, 1])), "big")
    return text + tag.to_bytes(16, "big")


# McGrew and Viega, test case 16: AES-256, additional data, a plaintext that is no multiple of the block.
assert gcm_seal(
    bytes.fromhex("feffe9928665731c6d6a8f9467308308" * 2), bytes.fromhex("cafebabefacedbaddecaf888"),
    bytes.fromhex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"),
    bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2"),
).hex().endswith("76fc6ece0f4e1768cddf8853bb2d551b")


# --- The formats of Steward -------------------------------------------------------------------------------------------------------
def uvarint(n):
    out = b""
    while n >= 0x80:
        out, n = out + bytes([n & 0x7F | 0x80]), n >> 7
    return out + bytes([n])


def part(s):
    b = s.encode() if isinstance(s, str) else s
    return uvarint(len(b)) + b


def expand(secret, info):  # HKDF-Expand with SHA-256, one block
    return hmac.new(secret, info.encode() + b"\x01", hashlib.sha256).digest()


def derive(secret, use, owner):
    return expand(secret, "steward/1 " + use + "\x00" + owner)


def seal(key, version, tenant, place, nonce, plain):
    header = bytes([0xE1, 0x10]) + uvarint(version)
    ad = part(header) + part(tenant) + part(place["record"]) + part(place["item"]) + part(place["path"])
    ad += part(place["schema"].to_bytes(4, "big"))
    ad += bytes(-len(ad) % 64)
    return header + nonce + gcm_seal(key, nonce, plain, ad)


def hkdf(secret, info):  # with extraction under an empty salt
    return expand(hmac.new(bytes(32), secret, hashlib.sha256).digest(), info)


def pack(members):
    out, last = b"", -1
    for tag, value in sorted(members):
        out, last = out + uvarint(tag - last - 1) + part(value), tag
    return out


def digits(label, n=32):  # numbers with nothing up the sleeve
    return hashlib.sha256(label.encode()).digest()[:n]


TENANT, ACCOUNT, USER = "tnt_01JD3Z4T0X8Y6QH2N5W7R9K1MB", "acct_01JD3Z4T0X8Y6QH2N5W7R9K1MC", "user_01JD3Z4T0X8Y6QH2N5W7R9K1MD"
master, tenant, account = digits("master"), digits("tenant"), digits("account")

context = {"purpose": "tenant-key", "tenant": TENANT, "version": "1"}
bound = part("steward/keys/local") + part("data")
for name in sorted(context):
    bound += part(name) + part(context[name])
nonce = digits("nonce of the tenant key", 12)
wrapped = b"\x01" + nonce + gcm_seal(hkdf(master, "steward/keys/local/1 wrap data"), nonce, tenant, bound)

groups = [[[1, "li@example.com"], [2, "+8613800138000"], [9, ""], [300, "李雷"]], [], [[0, "x" * 200]], [[65535, "last"]]]
places = [
    {"record": USER, "item": "USER", "path": "standard", "schema": 1},
    {"record": "", "item": "", "path": "", "schema": 0},
    {"record": ACCOUNT, "item": "C#cont_01", "path": "standard", "schema": 4294967295},
    {"record": "r" * 200, "item": "i", "path": "p", "schema": 7},
]
plains = [b"", b"a", "李雷 li@example.com".encode(), bytes(range(256))]


def seals(key, version, label):
    out = []
    for i, place in enumerate(places):
        for j, plain in enumerate(plains):
            n = digits("%s %d %d" % (label, i, j), 12)
            out.append({"place": place, "nonce": n.hex(), "plain": plain.hex(), "sealed": seal(key, version, TENANT, place, n, plain).hex()})
    return out


account_place = {"record": ACCOUNT, "item": "K", "path": "account key", "schema": 1}
account_nonce = digits("nonce of the account key", 12)
account_item = seal(derive(tenant, "tenant wrap", TENANT), 1, TENANT, account_place, account_nonce, b"\x01" + account)

blind_key = derive(tenant, "tenant blind", TENANT)
print(json.dumps({
    "master": master.hex(), "tenant": TENANT, "wrapped": wrapped.hex(), "account": ACCOUNT,
    "accountRandom": (account + account_nonce).hex(), "accountItem": account_item.hex(),
    "tenantSeals": seals(derive(tenant, "tenant own", TENANT), 1, "tenant"),
    "accountSeals": seals(derive(account, "account field", ACCOUNT), 1, "account"),
    "blind": [
        {"field": f, "value": v, "token": hmac.new(blind_key, uvarint(1) + part(f) + part(v), hashlib.sha256).digest()[:16].hex()}
        for f, v in [("email", "li@example.com"), ("phone", "+8613800138000"), ("", ""), ("email", "x" * 300), ("ema", "illi@example.com")]
    ],
    "tenantDigests": [{"of": p.hex(), "digest": hmac.new(derive(tenant, "tenant audit", TENANT), p, hashlib.sha256).hexdigest()} for p in plains],
    "accountDigests": [{"of": p.hex(), "digest": hmac.new(derive(account, "account audit", ACCOUNT), p, hashlib.sha256).hexdigest()} for p in plains],
    "packs": [{"members": [{"tag": t, "value": v.encode().hex()} for t, v in g], "packed": pack([(t, v.encode()) for t, v in g]).hex()} for g in groups],
}, indent=1))
