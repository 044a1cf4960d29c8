// Command list calls an operation of DynamoDB that no function of Steward calls.
package main

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

func main() {
	_, err := dynamodb.New(dynamodb.Options{Region: "eu-central-1"}).ListTables(context.Background(), &dynamodb.ListTablesInput{})
	fmt.Println(err)
}
