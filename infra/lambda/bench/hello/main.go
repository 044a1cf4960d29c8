// Command hello is the least Lambda function: what all others are measured against.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"
)

type hello struct{}

func (hello) Invoke(context.Context, []byte) ([]byte, error) {
	return []byte(`{"statusCode":200,"body":"hello"}`), nil
}

func main() { lambda.Start(hello{}) }
