// Package queues says in which queue the jobs of a kind wait on AWS, and nothing else says so. It names kinds by their words, for the functions
// that fill the queues run no job and link nothing that one needs. Its test holds the words against the workers.
package queues

// Queue is one of the queues of jobs. Each has one function that empties it: Lambda takes out what a filter of a function refuses, so that two
// functions cannot share one.
type Queue string

// The queues.
const (
	Jobs     Queue = "jobs"     // package work runs what waits here
	Messages Queue = "messages" // and package messages what waits here
)

// Of gives the queue of a kind: that of jobs for whatever kind is not known to send something.
func Of(kind string) Queue {
	switch kind {
	case "auth.sendReset", "me.sendCode", "users.mail":
		return Messages
	}
	return Jobs
}
