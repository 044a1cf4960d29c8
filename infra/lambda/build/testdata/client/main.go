// Command client asks the URL by the connections that functions have, trusting the certificate in the file, and prints by which protocol.
package main

import (
	"crypto/x509"
	"fmt"
	"net/http"
	"os"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"

	"github.com/steward-crm/steward/infra/lambda/withaws"
)

func main() {
	pem, err := os.ReadFile(os.Args[2])
	if err != nil {
		panic(err)
	}
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(pem)
	c := withaws.HTTP().(*awshttp.BuildableClient).WithTransportOptions(func(t *http.Transport) { t.TLSClientConfig.RootCAs = trusted })
	r, err := http.NewRequest(http.MethodGet, os.Args[1], nil)
	if err != nil {
		panic(err)
	}
	a, err := c.Do(r)
	if err != nil {
		panic(err)
	}
	fmt.Print(a.StatusCode, " ", a.Proto)
}
