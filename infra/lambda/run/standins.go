package main

import (
	"context"
	_ "embed"
	"errors"
	"os"
	"path/filepath"

	"github.com/steward-crm/steward/infra/peers"
)

//go:embed moto.py
var starter string

// standIns are the programs that stand in for AWS: the URL of each.
type standIns struct{ moto, cognitoLocal string }

// startStandIns starts both at once. What they keep is gone once they are stopped.
func startStandIns(ctx context.Context, o options) (s standIns, stop func(), err error) {
	kept := filepath.Join(o.data, ".cognito") // left by one that was killed
	if err := os.RemoveAll(kept); err != nil {
		return s, nil, err
	}
	moto, err := peers.MotoServerBy(starter).Start(o.peers, o.data)
	if err != nil {
		return s, nil, err
	}
	cognitoLocal, err := peers.CognitoServer().Start(o.peers, o.data)
	if err != nil {
		moto.Stop()
		return s, nil, err
	}
	stop = func() {
		moto.Stop()
		cognitoLocal.Stop()
		_ = os.RemoveAll(kept) // the next one looks again
	}
	if err := errors.Join(moto.Ready(ctx), cognitoLocal.Ready(ctx)); err != nil {
		stop()
		return s, nil, err
	}
	return standIns{moto.URL, cognitoLocal.URL}, stop, nil
}
