package main

import (
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/steward-crm/steward/infra/stacks/deployed"
	"github.com/steward-crm/steward/shared/signin"
)

// statement is one of a policy, with where it stands.
type statement struct {
	where string
	body  map[string]any
}

// rolesPolicies are the statements that roles are given; others belong to a key, a queue, a topic or a bucket.
func rolesPolicies(d deployed.Document) (all []statement) {
	for name, r := range d.Resources {
		var documents []any
		switch r.Type {
		case "AWS::IAM::Role":
			for _, p := range deployed.List(r.Properties["Policies"]) {
				documents = append(documents, deployed.Members(p)["PolicyDocument"])
			}
		case "AWS::IAM::RolePolicy":
			documents = append(documents, r.Properties["PolicyDocument"])
		}
		for _, doc := range documents {
			for _, s := range deployed.List(deployed.Members(doc)["Statement"]) {
				all = append(all, statement{d.File + " " + name, deployed.Members(s)})
			}
		}
	}
	return all
}

// noResource are the actions that IAM knows no resource for (service authorization reference, November 2026).
var noResource = []string{"xray:PutTelemetryRecords", "xray:PutTraceSegments"}

// TestRolesGrantNoMoreThanTheyName holds that no role has a wildcard of actions or resources, and that no role scans or touches the audit.
func TestRolesGrantNoMoreThanTheyName(t *testing.T) {
	seen := 0
	for _, d := range templates(t) {
		for _, s := range rolesPolicies(d) {
			seen++
			actions := deployed.Words(s.body["Action"])
			if len(actions) == 0 || s.body["NotAction"] != nil {
				t.Errorf("%s: a statement without actions: %v", s.where, s.body)
			}
			for _, a := range actions {
				if strings.Contains(a, "*") || a == "dynamodb:Scan" || strings.HasPrefix(a, "dynamodb:PartiQL") {
					t.Errorf("%s grants %s", s.where, a)
				}
			}
			resources := deployed.Words(s.body["Resource"])
			texts := slices.Equal(actions, []string{"sns:Publish"}) && deployed.Text(s.body["NotResource"]) == "arn:${AWS::Partition}:sns:*:*:*"
			if len(resources) == 0 && !texts {
				t.Errorf("%s names no resource: %v", s.where, s.body)
			}
			for _, r := range resources {
				bare := slices.IndexFunc(actions, func(a string) bool { return !slices.Contains(noResource, a) }) < 0
				sub := strings.HasSuffix(r, "/stream/*") || r == "${Bucket.Arn}/*" || r == "${ReplicaBucketArn}/*"
				if strings.Contains(r, "*") && !sub && (r != "*" || !bare) {
					t.Errorf("%s: %v on %s", s.where, actions, r)
				}
			}
			changes := slices.ContainsFunc(actions, func(a string) bool { return a == "dynamodb:UpdateItem" || a == "dynamodb:DeleteItem" })
			if s.body["Effect"] == "Allow" && changes && deployed.Members(s.body["Condition"])["ForAllValues:StringLike"] == nil {
				t.Errorf("%s writes to any partition", s.where)
			}
		}
	}
	if seen < 300 {
		t.Errorf("looked at %d statements", seen)
	}
}

// TestAuditIsOnlyAddedTo: whoever may write to a table may not change or remove an event of the audit.
func TestAuditIsOnlyAddedTo(t *testing.T) {
	writers := 0
	for _, d := range templates(t) {
		keeps := map[string]bool{}
		var writing []string
		for _, s := range rolesPolicies(d) {
			actions := deployed.Words(s.body["Action"])
			switch {
			case s.body["Sid"] == "KeepEvents":
				cond := deployed.Members(deployed.Members(s.body["Condition"])["ForAnyValue:StringLike"])["dynamodb:LeadingKeys"]
				keeps[s.where] = s.body["Effect"] == "Deny" && slices.Equal(deployed.Words(cond), []string{"T#*#AU#*"}) &&
					slices.Equal(actions, []string{"dynamodb:DeleteItem", "dynamodb:UpdateItem"})
			case slices.Contains(actions, "dynamodb:UpdateItem") && strings.HasSuffix(deployed.Text(deployed.List(s.body["Resource"])[0]), "table/${Table}"):
				writing = append(writing, s.where)
			}
		}
		for _, w := range writing {
			writers++
			if !keeps[w] {
				t.Errorf("%s may change the audit", w)
			}
		}
	}
	if writers < 60 {
		t.Errorf("%d roles write", writers)
	}
}

// TestWhoMaySend: one function sends mail and text messages, two fill the queues of jobs, and none may do both.
func TestWhoMaySend(t *testing.T) {
	got := map[string][]string{}
	for _, d := range templates(t) {
		for _, s := range rolesPolicies(d) {
			for _, a := range deployed.Words(s.body["Action"]) {
				for _, r := range deployed.Words(s.body["Resource"]) {
					if a == "ses:SendEmail" || a == "sqs:SendMessage" && r != "${FailedQueueArn}" {
						got[a+" "+r] = append(got[a+" "+r], s.where)
					}
				}
				if a == "sns:Publish" {
					got[a] = append(got[a], s.where)
				}
			}
		}
	}
	const ses = "ses:SendEmail arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}:"
	sender, fillers := []string{"workers.yaml MessagesSendRole"}, []string{"workers.yaml JobsDueRole", "workers.yaml StreamChangesRole"}
	want := map[string][]string{
		ses + "identity/${MailDomain}": sender, ses + "configuration-set/${MailSet}": sender, "sns:Publish": sender,
		"sqs:SendMessage ${JobsQueueArn}": fillers, "sqs:SendMessage ${MessagesQueueArn}": fillers,
	}
	for _, who := range got {
		slices.Sort(who)
	}
	if !maps.EqualFunc(got, want, slices.Equal) {
		t.Errorf("who may send: %v", got)
	}
}

// TestEveryFunctionIsWatched holds what every function has of its own.
func TestEveryFunctionIsWatched(t *testing.T) {
	functions := 0
	for _, d := range templates(t) {
		global := deployed.Members(d.Globals["Function"])
		for name, r := range d.Resources {
			if r.Type != "AWS::Serverless::Function" {
				continue
			}
			functions++
			where := d.File + " " + name
			of := func(key string) any {
				if v, ok := r.Properties[key]; ok {
					return v
				}
				return global[key]
			}
			if deployed.Text(of("Role")) != "${"+name+"Role.Arn}" || d.Resources[name+"Role"].Type != "AWS::IAM::Role" {
				t.Errorf("%s has no role of its own", where)
			}
			log := d.Resources[name+"Log"]
			if deployed.Text(deployed.Members(of("LoggingConfig"))["LogGroup"]) != "${"+name+"Log}" || log.Type != "AWS::Logs::LogGroup" || log.Properties["RetentionInDays"] == nil {
				t.Errorf("%s has no log group of its own with an end", where)
			}
			if deployed.Members(of("LoggingConfig"))["LogFormat"] != "JSON" || of("Tracing") != "Active" || of("Runtime") != "provided.al2023" {
				t.Errorf("%s: log format, tracing, runtime: %v", where, r.Properties)
			}
			timeout, _ := of("Timeout").(int)
			if memory, _ := of("MemorySize").(int); memory != 256 || timeout < 1 || timeout > 900 {
				t.Errorf("%s: memory %d, timeout %d", where, memory, timeout)
			}
			if r.Metadata["SkipBuild"] != true {
				t.Errorf("%s is built by SAM: its binary would be another", where)
			}
			alarm := d.Resources[name+"Alarm"]
			var watched []string
			deployed.Walk(alarm.Properties, "", func(path, v string) {
				if strings.HasSuffix(path, "MetricName") || strings.HasSuffix(path, "Value.Ref") {
					watched = append(watched, v)
				}
			})
			slices.Sort(watched)
			wanted := []string{"Errors", "Throttles", name, name}
			if of("ReservedConcurrentExecutions") == 1 { // whoever comes second is throttled, and has nothing to do
				wanted = []string{"Errors", name}
			}
			if !slices.Equal(watched, slices.Sorted(slices.Values(wanted))) || alarm.Properties["AlarmActions"] == nil {
				t.Errorf("%s: its alarm watches %v", where, watched)
			}
			if d.File == "workers.yaml" && !hasDeadLetters(d, name) {
				t.Errorf("%s is asynchronous, and what it fails at is lost", where)
			}
		}
	}
	if functions < 100 {
		t.Errorf("%d functions", functions)
	}
}

func hasDeadLetters(d deployed.Document, name string) bool {
	for _, r := range d.Resources {
		if deployed.Text(r.Properties["FunctionName"]) != "${"+name+"}" {
			continue
		}
		onFailure := deployed.Members(deployed.Members(r.Properties["DestinationConfig"])["OnFailure"])["Destination"]
		// What a queue's function fails at goes back to the queue, whose redrive TestQueues holds.
		if onFailure != nil || emptied[queueOf(r)] != "" {
			return true
		}
	}
	return false
}

// emptied are the queues, with the function that empties each.
var emptied = map[string]string{"Jobs": "JobsRun", "Messages": "MessagesSend", "Bounces": "NotifyBounces"}

// queueOf gives the queue that the event source is of, or "".
func queueOf(r deployed.Resource) string {
	name, _ := strings.CutSuffix(deployed.Text(r.Properties["EventSourceArn"]), "QueueArn}")
	return strings.TrimPrefix(name, "${")
}

// TestQueues: a queue is emptied by one function, which has the time for it, and has a dead-letter queue with an alarm; every queue is encrypted, at
// rest and on the way.
func TestQueues(t *testing.T) {
	d, workers, watched := readTemplate(t, "../messaging.yaml"), readTemplate(t, "../workers.yaml"), readTemplate(t, "../observability.yaml")
	policies := deployed.Text(d.Resources["EncryptedTransport"].Properties) + deployed.Text(d.Resources["BouncesPolicy"].Properties)
	for name, r := range d.Resources {
		if r.Type != "AWS::SQS::Queue" {
			continue
		}
		if r.Properties["KmsMasterKeyId"] == nil || !strings.Contains(policies, "Ref:"+name+"]") || !strings.Contains(policies, ":"+name+".Arn") {
			t.Errorf("%s is not encrypted", name)
		}
		if strings.HasPrefix(name, "Failed") {
			alarm := watched.Resources[name+"Alarm"].Properties
			if alarm["MetricName"] != "ApproximateNumberOfMessagesVisible" || !strings.Contains(deployed.Text(alarm["Dimensions"]), "Ref:"+name+"]") || alarm["AlarmActions"] == nil {
				t.Errorf("what lies in %s is told to nobody: %v", name, alarm)
			}
			continue
		}
		redrive := deployed.Members(r.Properties["RedrivePolicy"])
		if deployed.Text(redrive["deadLetterTargetArn"]) != "${Failed"+name+".Arn}" || redrive["maxReceiveCount"] != 5 {
			t.Errorf("%s has no dead letters: %v", name, redrive)
		}
		timeout, _ := workers.Resources[emptied[name]].Properties["Timeout"].(int)
		if hidden, _ := r.Properties["VisibilityTimeout"].(int); timeout == 0 || hidden != 6*timeout {
			t.Errorf("%s hides a message for %d s, and its function runs for %d", name, hidden, timeout)
		}
	}
	sources := map[string]string{}
	for _, r := range workers.Resources {
		if q := queueOf(r); q != "" && strings.HasSuffix(deployed.Text(r.Properties["EventSourceArn"]), "QueueArn}") {
			if sources[q] != "" {
				t.Errorf("%s has two functions, and each takes away what the other is to have", q)
			}
			sources[q] = strings.Trim(deployed.Text(r.Properties["FunctionName"]), "${}")
		}
	}
	if !maps.Equal(sources, emptied) {
		t.Errorf("queues are emptied by %v", sources)
	}
	if age := watched.Resources["MessagesAlarm"].Properties; age["MetricName"] != "ApproximateAgeOfOldestMessage" || age["Threshold"] != int(signin.CodeLife/time.Second) || deployed.Text(age["Dimensions"]) == "" {
		t.Errorf("codes that are sent too late are told to nobody: %v", age)
	}
	reports := d.Resources["MailReportsToBounces"].Properties
	policy := deployed.Text(deployed.List(deployed.Members(d.Resources["BouncesPolicy"].Properties["PolicyDocument"])["Statement"])[1])
	if deployed.Text(reports["TopicArn"]) != "${MailReports}" || deployed.Text(reports["Endpoint"]) != "${Bounces.Arn}" || !strings.Contains(policy, "aws:SourceArn:map[Ref:MailReports]") {
		t.Errorf("what SES reports does not reach its queue, or others may write there: %v, %s", reports, policy)
	}
}

// TestBackupsAreWatched: a backup that fails is told, and so is one that never began, at the latest half a day after it was due; everybody who may tell is let.
func TestBackupsAreWatched(t *testing.T) {
	d := readTemplate(t, "../observability.yaml")
	missed := d.Resources["BackupMissedAlarm"].Properties
	vault := deployed.Text(deployed.List(missed["Dimensions"])[0])
	if missed["MetricName"] != "NumberOfBackupJobsCompleted" || missed["TreatMissingData"] != "breaching" || missed["ComparisonOperator"] != "LessThanThreshold" ||
		missed["Period"] != 3600 || missed["EvaluationPeriods"] != 36 || missed["AlarmActions"] == nil || !strings.Contains(vault, "BackupVaultName") {
		t.Errorf("nobody hears of a backup that never began: %v", missed)
	}
	if of := deployed.Text(deployed.Members(readTemplate(t, "../../template.yaml").Resources["Observability"].Properties["Parameters"])["Vault"]); of != "${Backup.Outputs.Vault}" {
		t.Errorf("the alarm is of the vault %s", of)
	}
	failed := d.Resources["BackupFailed"].Properties
	pattern := deployed.Text(failed["EventPattern"])
	for _, word := range []string{"Backup Job State Change", "Copy Job State Change", "Restore Job State Change", "state:[FAILED", "status:[FAILED"} {
		if !strings.Contains(pattern, word) {
			t.Errorf("nobody hears of %s: %s", word, pattern)
		}
	}
	policy := deployed.Text(d.Resources["AlarmsPolicy"].Properties["PolicyDocument"])
	if target := deployed.Text(deployed.List(failed["Targets"])[0]); !strings.Contains(target, "Ref:Alarms") || !strings.Contains(policy, "events.amazonaws.com") || !strings.Contains(policy, "BackupFailed.Arn") {
		t.Errorf("what fails is told to %s; the topic lets in: %s", target, policy)
	}
}

// TestKeyAdministrator: whoever deploys as the key administrator can go on changing each key, without which KMS makes none, and may use none of those that
// tenants' data and the audit log hang on, whatever else it is allowed.
func TestKeyAdministrator(t *testing.T) {
	uses := []string{"kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:GenerateMac", "kms:VerifyMac", "kms:CreateGrant"}
	seen := 0
	for file, apart := range map[string][]string{"../keys.yaml": {"DataKey", "AuditKey"}, "../region.yaml": {"DataReplica", "AuditReplica"}} {
		for name, r := range readTemplate(t, file).Resources {
			if r.Type != "AWS::KMS::Key" && r.Type != "AWS::KMS::ReplicaKey" {
				continue
			}
			seen++
			allowed, denied := map[string]bool{}, map[string]bool{}
			for _, body := range deployed.List(deployed.Members(r.Properties["KeyPolicy"])["Statement"]) {
				s := deployed.Members(body)
				if deployed.Text(deployed.Members(s["Principal"])["AWS"]) != "${KeyAdministrator}" {
					continue
				}
				for _, action := range deployed.Words(s["Action"]) {
					for _, use := range append(uses, action) {
						if ok, _ := path.Match(action, use); ok {
							map[bool]map[string]bool{true: allowed, false: denied}[s["Effect"] == "Allow"][use] = true
						}
					}
				}
			}
			if !allowed["kms:PutKeyPolicy"] {
				t.Errorf("%s %s: nobody can change its policy", file, name)
			}
			for _, use := range uses {
				mac := strings.Contains(use, "Mac")
				if allowed[use] || slices.Contains(apart, name) && !denied[use] && (use == "kms:CreateGrant" || mac == strings.HasPrefix(name, "Audit")) {
					t.Errorf("%s %s: its administrator may %s", file, name, use)
				}
			}
		}
	}
	if seen != 7 {
		t.Errorf("%d keys", seen)
	}
}
