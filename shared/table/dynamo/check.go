package dynamo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"github.com/steward-crm/steward/shared/table"
)

// Check asks DynamoDB whether both tables are there and what Define says, and answers one error that names all that is wrong, for a main
// to end with. It needs the right dynamodb:DescribeTable.
func (s *Store) Check(ctx context.Context) error {
	var wrong []error
	for space, name := range s.names {
		var out *dynamodb.DescribeTableOutput
		in := &dynamodb.DescribeTableInput{TableName: &name}
		err := s.ask(ctx, func(ctx context.Context) (err error) { out, err = s.client.DescribeTable(ctx, in); return err })
		if err != nil {
			wrong = append(wrong, fmt.Errorf("dynamo: table %s in region %s: %s: %w", name, s.client.Options().Region, explain(err), err))
			continue
		}
		for _, what := range differences(Define(table.Space(space), name).Create, out.Table) {
			wrong = append(wrong, fmt.Errorf("dynamo: table %s: %s", name, what))
		}
	}
	return errors.Join(wrong...)
}

// explain says what people have to put right.
func explain(err error) string {
	coded, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return "no answer: is the region, the endpoint or the network wrong?"
	}
	switch coded.ErrorCode() {
	case "ResourceNotFoundException":
		return "it does not exist: is the region or the name wrong?"
	case "AccessDeniedException":
		return "access is denied: the role lacks a right"
	case "ExpiredTokenException", "ExpiredToken":
		return "the credentials have expired"
	case "UnrecognizedClientException", "InvalidSignatureException", "InvalidClientTokenId", "IncompleteSignature", "MissingAuthenticationTokenException":
		return "the credentials are not valid in this region"
	default:
		return "it cannot be described"
	}
}

// schema reports whether a ValidationException blames the table and not the request: an index is missing, or a key is another one.
func schema(e smithy.APIError) bool {
	m := e.ErrorMessage()
	return strings.Contains(m, "does not have the specified index") || strings.Contains(m, "does not match the schema")
}

func differences(want *dynamodb.CreateTableInput, got *types.TableDescription) (out []string) {
	if got.TableStatus != types.TableStatusActive && got.TableStatus != types.TableStatusUpdating {
		out = append(out, fmt.Sprintf("it is %s", got.TableStatus))
	}
	if !sameKeys(want.KeySchema, got.KeySchema) {
		out = append(out, "its keys are not pk and sk")
	}
	for _, index := range want.GlobalSecondaryIndexes {
		name := *index.IndexName
		i := slices.IndexFunc(got.GlobalSecondaryIndexes, func(x types.GlobalSecondaryIndexDescription) bool { return text(x.IndexName) == name })
		if i < 0 {
			out = append(out, fmt.Sprintf("index %s is missing", name))
			continue
		}
		have := got.GlobalSecondaryIndexes[i]
		if !sameKeys(index.KeySchema, have.KeySchema) {
			out = append(out, fmt.Sprintf("index %s has other keys", name))
		}
		if have.Projection == nil || have.Projection.ProjectionType != types.ProjectionTypeKeysOnly {
			out = append(out, fmt.Sprintf("index %s holds more or less than keys", name))
		}
		if have.IndexStatus != types.IndexStatusActive && have.IndexStatus != types.IndexStatusUpdating {
			out = append(out, fmt.Sprintf("index %s is %s", name, have.IndexStatus))
		}
	}
	for _, a := range want.AttributeDefinitions {
		if !slices.ContainsFunc(got.AttributeDefinitions, func(b types.AttributeDefinition) bool {
			return text(a.AttributeName) == text(b.AttributeName) && a.AttributeType == b.AttributeType
		}) {
			out = append(out, fmt.Sprintf("attribute %s is no text of a key", *a.AttributeName))
		}
	}
	if spec := got.StreamSpecification; want.StreamSpecification != nil && (spec == nil || spec.StreamViewType != want.StreamSpecification.StreamViewType) {
		out = append(out, "its stream does not hold both images")
	}
	return out
}

func sameKeys(a, b []types.KeySchemaElement) bool {
	return slices.EqualFunc(a, b, func(x, y types.KeySchemaElement) bool {
		return text(x.AttributeName) == text(y.AttributeName) && x.KeyType == y.KeyType
	})
}
