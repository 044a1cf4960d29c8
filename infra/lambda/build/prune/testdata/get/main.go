// Command get calls one operation of DynamoDB, at the address it is given, and prints what it read, or how it was refused.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func main() {
	c := dynamodb.New(dynamodb.Options{Region: "eu-central-1", BaseEndpoint: &os.Args[1], Credentials: aws.AnonymousCredentials{}, Retryer: aws.NopRetryer{}})
	table := "people"
	out, err := c.GetItem(context.Background(), &dynamodb.GetItemInput{
		TableName: &table, Key: map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: "1"}},
	})
	if refused, ok := errors.AsType[*types.ProvisionedThroughputExceededException](err); ok {
		fmt.Println("refused:", refused.ErrorMessage())
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(out.Item["name"].(*types.AttributeValueMemberS).Value, out.Item["tags"].(*types.AttributeValueMemberL).Value[0].(*types.AttributeValueMemberN).Value)
}
