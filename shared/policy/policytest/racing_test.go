//go:build race

package policytest_test

// share is the part of the worlds that is asked under the race detector, which makes every question ten times dearer and looks for races
// of memory: they need few worlds to show.
const share = 20
