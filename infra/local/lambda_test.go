//go:build peers

package main

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/table/dynamo"
)

// TestStoriesOnLambda runs the very scripts of TestStories against the Lambda binaries, behind the routes, in the environments and under the
// roles that the stacks give them, over stand-ins for AWS; and those of testdata/onaws, about what only AWS does. A call that a function's role does not allow fails the story in which it is made.
func TestStoriesOnLambda(t *testing.T) {
	bin, err := filepath.Abs(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"run", "./infra/lambda/build", "--arch", "host", "--no-zip", "--out", bin},
		{"build", "-o", filepath.Join(bin, "run-lambda"), "./infra/lambda/run"},
	} {
		c := exec.Command("go", args...)
		c.Dir = "../.."
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	for _, scripts := range []string{"stories", "onaws"} {
		t.Run(scripts, func(t *testing.T) {
			tell(t, scripts, true, func(dir string) (*story, func() error, error) { return onLambda(bin, filepath.Join(dir, "data")) })
		})
	}
}

// onLambda starts a deployment with nothing in it.
func onLambda(bin, data string) (s *story, stop func() error, err error) {
	environ := filepath.Join(data, "environ.json")
	c := exec.Command(filepath.Join(bin, "run-lambda"), "--addr", "127.0.0.1:0", "--root", ".", "--binaries", bin, "--data", data, "--environ", environ)
	c.Dir = "../.."
	said := &strings.Builder{}
	c.Stderr = said
	out, err := c.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	if err := c.Start(); err != nil {
		return nil, nil, err
	}
	stop = func() error {
		_ = c.Process.Signal(syscall.SIGTERM)
		if err := c.Wait(); err != nil {
			return fmt.Errorf("run-lambda: %w: %s", err, said)
		}
		return nil
	}
	lines := bufio.NewScanner(out)
	url := ""
	for url == "" && lines.Scan() {
		if at, ok := strings.CutPrefix(lines.Text(), "listening on "); ok {
			url = at
		}
	}
	if url == "" {
		return nil, nil, fmt.Errorf("run-lambda does not serve: %w", stop())
	}
	store, lose, err := reach(environ)
	if err == nil {
		var secrets [][]byte
		if secrets, err = readSecrets(filepath.Join(data, secretFile)); err == nil {
			s = &story{remote: &remote{url, store, lose}, secret: secrets[0], tokens: map[string]string{"nobody": ""}, who: "nobody", next: http.Header{}}
			return s, stop, nil
		}
	}
	return nil, nil, fmt.Errorf("%w, %v", err, stop())
}

// reach opens the tables of the environment that run-lambda has written, and gives what takes an identity out of its pool.
func reach(environ string) (store *dynamo.Store, lose func(user string) error, err error) {
	for range 100 { // it is written last
		if _, err := os.Stat(environ); err == nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	b, err := os.ReadFile(environ)
	if err != nil {
		return nil, nil, err
	}
	var all struct{ Parameters map[string]string }
	if err := json.Unmarshal(b, &all); err != nil {
		return nil, nil, err
	}
	env := all.Parameters
	endpoint, pool := env["AWS_ENDPOINT_URL"], env["STEWARD_POOL"]
	credentials := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: env["AWS_ACCESS_KEY_ID"], SecretAccessKey: "test"}, nil
	})
	client := cognitoidentityprovider.New(cognitoidentityprovider.Options{Region: env["AWS_REGION"], BaseEndpoint: &endpoint, Credentials: credentials})
	lose = func(user string) error {
		_, err := client.AdminDeleteUser(context.Background(), &cognitoidentityprovider.AdminDeleteUserInput{UserPoolId: &pool, Username: &user})
		return err
	}
	store, err = dynamo.Open(dynamo.Options{
		AWS:  dynamodb.Options{Region: env["AWS_REGION"], BaseEndpoint: &endpoint, Credentials: credentials},
		Data: env["STEWARD_TABLE"], Keys: env["STEWARD_KEYS_TABLE"], Nowhere: key.Nowhere("").PK, Now: time.Now,
	})
	return store, lose, err
}
