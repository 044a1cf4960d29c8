package dynamo

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/steward-crm/steward/shared/table"
)

// Definition is what a physical table has to be. Tests make tables of it; Check and the template's test hold others against it.
type Definition struct {
	Create *dynamodb.CreateTableInput
	TTL    string // the attribute that DynamoDB deletes by
}

// Define gives the definition of a space's table under the name: the Data table has the five indexes and a stream of both images, the
// Keys table neither.
func Define(space table.Space, name string) Definition {
	in := &dynamodb.CreateTableInput{
		TableName: &name, BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{textAttr(attrPK), textAttr(attrSK)},
		KeySchema:            schemaOf(attrPK, attrSK),
	}
	if space == table.Data {
		for x := table.G1; x <= table.G5; x++ {
			in.AttributeDefinitions = append(in.AttributeDefinitions, textAttr(indexAttr[x].pk), textAttr(indexAttr[x].sk))
			in.GlobalSecondaryIndexes = append(in.GlobalSecondaryIndexes, types.GlobalSecondaryIndex{
				IndexName: &indexName[x], KeySchema: schemaOf(indexAttr[x].pk, indexAttr[x].sk),
				Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly},
			})
		}
		in.StreamSpecification = &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewTypeNewAndOldImages}
	}
	return Definition{Create: in, TTL: attrExpires}
}

func textAttr(name string) types.AttributeDefinition {
	return types.AttributeDefinition{AttributeName: &name, AttributeType: types.ScalarAttributeTypeS}
}

func schemaOf(pk, sk string) []types.KeySchemaElement {
	return []types.KeySchemaElement{{AttributeName: &pk, KeyType: types.KeyTypeHash}, {AttributeName: &sk, KeyType: types.KeyTypeRange}}
}
