package main

import (
	"bytes"
	_ "embed"
	"text/template"

	"github.com/steward-crm/steward/infra/stacks/rights"
)

// worker is a function that no client calls.
type worker struct {
	Name, Handler, Binary string
	Source                string // stream, queue, or the expression of its schedule
	Queue                 string // parameter that names the queue
	Batch                 int    // messages of the queue at most
	Most                  int    // invocations that empty the queue at a time, 2 to 1,000
	Timeout               int    // seconds
	Alone                 bool   // one invocation at a time; others are throttled, which is no alarm
	Env                   []string
	rights.Rights
}

func workers() []worker {
	all := []worker{
		{Name: "StreamChanges", Handler: "stream.changes", Binary: "stream", Source: "stream", Timeout: 60},
		{Name: "JobsRun", Handler: "jobs.run", Binary: "work", Source: "queue", Queue: "JobsQueueArn", Batch: 1, Most: 20, Timeout: 900},
		// SES lets a new account send 14 mails a second and SNS 20 text messages (November 2026); one takes 0.1 to 0.2 seconds. What comes faster
		// waits, instead of being refused. One by one, because a service that hangs uses up the time of what lies behind in the same batch.
		{Name: "MessagesSend", Handler: "messages.send", Binary: "messages", Source: "queue", Queue: "MessagesQueueArn", Batch: 1, Most: 2, Timeout: 60},
		{Name: "NotifyBounces", Handler: "notify.bounces", Binary: "notify", Source: "queue", Queue: "BouncesQueueArn", Batch: 10, Most: 20, Timeout: 60},
		{Name: "JobsDue", Handler: "jobs.due", Binary: "due", Source: "rate(1 minute)", Timeout: 60},
		{Name: "CountersAdvance", Handler: "counters.advance", Binary: "counters", Source: "rate(1 minute)", Timeout: 50, Alone: true},
		{Name: "ScheduleReconcile", Handler: "schedule.reconcile", Binary: "schedule", Source: "rate(1 hour)", Timeout: 900},
	}
	for i := range all {
		all[i].Rights, all[i].Env = rights.Workers[all[i].Handler], rights.VariablesOf[all[i].Handler]
	}
	return all
}

//go:embed workers.yaml.tmpl
var workersForm string

var workersTemplate = template.Must(template.New("workers").Funcs(functionsOfForms).Parse(workersForm))

func renderWorkers() ([]byte, error) {
	var b bytes.Buffer
	if err := workersTemplate.Execute(&b, workers()); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
