package main

import (
	"fmt"
	"strings"

	"github.com/steward-crm/steward/infra/stacks/rights"
	"github.com/steward-crm/steward/shared/key"
)

const (
	dataTable = "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${Table}"
	keysTable = "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${KeysTable}"
	userPool  = "arn:${AWS::Partition}:cognito-idp:${AWS::Region}:${AWS::AccountId}:userpool/${Pool}"
)

// statements writes what a role grants, as YAML that stands in the list of a policy's statements.
func statements(x rights.Rights) string {
	var p policy
	if len(x.Read) > 0 {
		read := []string{"dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"}
		if x.Writes() {
			read = append([]string{"dynamodb:ConditionCheckItem"}, read...)
		}
		p.allow("Read", read, []string{dataTable}, x.Read)
	}
	if len(x.Indexes) > 0 {
		var arns []string
		for _, i := range x.Indexes {
			arns = append(arns, fmt.Sprintf("%s/index/gsi%d", dataTable, i))
		}
		p.allow("ReadIndexes", []string{"dynamodb:Query"}, arns, x.Read)
	}
	if len(x.Append) > 0 {
		p.allow("Append", []string{"dynamodb:PutItem"}, []string{dataTable}, x.Append)
	}
	if len(x.Write) > 0 {
		p.allow("Write", []string{"dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:UpdateItem"}, []string{dataTable}, x.Write)
		p.keepEvents()
	}
	if x.ReadKeys {
		read := []string{"dynamodb:BatchGetItem", "dynamodb:GetItem"}
		if len(x.WriteKeys) > 0 {
			read = append(read, "dynamodb:ConditionCheckItem")
		}
		p.allow("ReadKeys", read, []string{keysTable}, []string{key.EveryTenant("")})
	}
	if len(x.WriteKeys) > 0 {
		p.allow("WriteKeys", []string{"dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:UpdateItem"}, []string{keysTable}, x.WriteKeys)
	}
	if x.Unwrap || x.Wrap {
		var actions []string
		if x.Unwrap {
			actions = append(actions, "kms:Decrypt")
		}
		if x.Wrap {
			actions = append(actions, "kms:GenerateDataKey")
		}
		p.open("TenantKeys", "Allow", actions, []string{"!Ref KeyData"})
		p.line("  Condition:")
		p.line("    StringEquals: {\"kms:EncryptionContext:purpose\": tenant-key}")
		p.line("    ForAllValues:StringEquals: {\"kms:EncryptionContextKeys\": [purpose, tenant, version]}")
	}
	if x.Mac {
		p.open("Macs", "Allow", []string{"kms:GenerateMac"}, []string{"!Ref KeyAudit"})
	}
	if len(x.Identity) > 0 {
		var actions []string
		for _, a := range x.Identity {
			actions = append(actions, "cognito-idp:"+a)
		}
		p.open("Identity", "Allow", actions, []string{"!Sub " + userPool})
	}
	if x.Secret {
		p.open("WebhookSecrets", "Allow", []string{"secretsmanager:GetSecretValue"}, []string{"!Ref WebhookSecret"})
	}
	if x.Mail {
		const ses = "arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}:"
		p.open("Mail", "Allow", []string{"ses:SendEmail"}, []string{ses + "identity/${MailDomain}", ses + "configuration-set/${MailSet}"})
		p.line("  Condition:")
		p.line("    StringEquals: {\"ses:FromAddress\": !Ref MailFrom}")
	}
	if x.Texts {
		p.line("- Sid: Texts")
		p.line("  Effect: Allow")
		p.line("  Action: [\"sns:Publish\"]")
		p.line("  NotResource: !Sub arn:${AWS::Partition}:sns:*:*:* # no topic: a phone number has no resource")
	}
	if x.Stream {
		p.open("Feed", "Allow", []string{"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"}, []string{"!Ref StreamArn"})
	}
	if x.Wake {
		p.open("Wake", "Allow", []string{"sqs:SendMessage"}, []string{"!Ref JobsQueueArn", "!Ref MessagesQueueArn"})
	}
	return strings.TrimRight(p.String(), "\n")
}

// policy is the YAML of statements.
type policy struct{ strings.Builder }

const indent = "              "

func (p *policy) line(s string) { p.WriteString(indent + s + "\n") }

func (p *policy) open(sid, effect string, actions, resources []string) {
	p.line("- Sid: " + sid)
	p.line("  Effect: " + effect)
	p.line("  Action: [" + strings.Join(quoted(actions), ", ") + "]")
	p.line("  Resource:")
	for _, r := range resources {
		if !strings.HasPrefix(r, "!") {
			r = "!Sub " + r
		}
		p.line("    - " + r)
	}
}

// allow grants the actions on the partitions alone. Every action that is granted so names the partition that it is about, so that "for all
// values" is never empty.
func (p *policy) allow(sid string, actions, tables, partitions []string) {
	p.open(sid, "Allow", actions, tables)
	p.line("  Condition:")
	p.line("    ForAllValues:StringLike: {\"dynamodb:LeadingKeys\": [" + strings.Join(quoted(partitions), ", ") + "]}")
}

// keepEvents denies what would change or remove an event of the audit, whatever else is granted.
func (p *policy) keepEvents() {
	p.open("KeepEvents", "Deny", []string{"dynamodb:DeleteItem", "dynamodb:UpdateItem"}, []string{dataTable})
	p.line("  Condition:")
	p.line("    ForAnyValue:StringLike: {\"dynamodb:LeadingKeys\": [" + strings.Join(quoted([]string{key.EveryAuditEvent()}), ", ") + "]}")
}

func quoted(all []string) (q []string) {
	for _, s := range all {
		q = append(q, `"`+s+`"`)
	}
	return q
}
