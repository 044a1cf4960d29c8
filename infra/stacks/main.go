// Command stacks writes the CloudFormation stacks that hold functions: infra/api-<domain>.yaml from the route table, a Lambda function for each
// operation with a role, a log group and an alarm of its own, and its route on the HTTP API; and infra/workers.yaml. With --check it writes nothing and exits with
// status 1 when one is not what the source says. What a role may do stands in package rights; all other stacks are written by hand.
package main

import "github.com/steward-crm/steward/infra/generated"

// ours are the stacks that nothing but this command makes: one of a domain that there is no more goes.
const ours = "infra/api-*.yaml"

func main() { generated.Main("stacks", files, ours) }

func files(string) (map[string][]byte, error) {
	all, err := stacks()
	if err != nil {
		return nil, err
	}
	out := map[string][]byte{}
	if out["infra/workers.yaml"], err = renderWorkers(); err != nil {
		return nil, err
	}
	for i := range all {
		if out["infra/api-"+all[i].Domain+".yaml"], err = all[i].render(); err != nil {
			return nil, err
		}
	}
	return out, nil
}
