// SPDX-License-Identifier: Apache-2.0

// A gateway that keeps the enforcement topic in memory and answers itself.
//
//	printf '%s\n' 'u-17 upload' 'u-18 stream' | go run ./gate_from_topic 127.0.0.1:9092 fairuse.enforcement.v1
//
// Whatever goes wrong, audio goes on: until all is read, and when no broker has answered for a while, all are allowed.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

const lateAfter = 10 * time.Second

// Gate reads in a goroutine of its own; any number of others may ask.
type Gate struct {
	topic      string
	client     *kgo.Client
	lock       sync.RWMutex
	rows       map[string]row
	controls   controls
	controlsOf string          // the instant that they are of
	readTo     map[int32]int64 // offsets
	knownAt    time.Time       // all that was committed then is read
}

func NewGate(bootstrap, topic string) (*Gate, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(bootstrap, ",")...), kgo.ConsumeTopics(topic),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		// So that it is seen how far a partition is read: its last record is the end of a transaction.
		kgo.KeepControlRecords())
	if err != nil {
		return nil, err
	}
	gate := &Gate{topic: topic, client: client, rows: map[string]row{}, readTo: map[int32]int64{},
		controls: controls{Enabled: true}}
	go gate.keepReading()
	return gate, nil
}

func (g *Gate) keepReading() {
	for {
		if err := g.readOnce(); err != nil {
			fmt.Fprintf(os.Stderr, "the gate cannot read %s: %v\n", g.topic, err)
			time.Sleep(time.Second)
		}
	}
}

// All that is committed, and what comes in the second after it.
func (g *Gate) readOnce() error {
	asked := time.Now()
	within, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	ends, err := kadm.NewClient(g.client).ListCommittedOffsets(within, g.topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return err
	}
	isBehind := func() (behind bool) {
		ends.Each(func(end kadm.ListedOffset) { behind = behind || g.readTo[end.Partition] < end.Offset })
		return behind
	}
	for isBehind() {
		if time.Since(asked) > lateAfter {
			return nil
		}
		g.takeSome()
	}
	g.lock.Lock()
	g.knownAt = asked
	g.lock.Unlock()
	for time.Since(asked) < time.Second {
		g.takeSome()
	}
	return nil
}

func (g *Gate) takeSome() {
	within, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	fetches := g.client.PollFetches(within)
	g.lock.Lock()
	defer g.lock.Unlock()
	fetches.EachRecord(func(record *kgo.Record) {
		if !record.Attrs.IsControl() {
			g.take(record)
		}
		g.readTo[record.Partition] = record.Offset + 1
	})
}

func (g *Gate) take(record *kgo.Record) {
	uid := string(record.Key)
	if record.Value == nil {
		delete(g.rows, uid)
		return
	}
	if uid == "*" {
		// Every partition says what holds for all: the newest counts.
		if at := header(record, "ce_time"); at >= g.controlsOf && json.Unmarshal(record.Value, &g.controls) == nil {
			g.controlsOf = at
		}
		return
	}
	said := row{Partition: record.Partition, Until: never, RetryAt: never, BudgetResetsAt: never}
	if json.Unmarshal(record.Value, &said) != nil || said.Stage == "" {
		return
	}
	if _, known := g.rows[uid]; known || said.saysSomething() {
		g.rows[uid] = said
	}
}

func header(record *kgo.Record, name string) string {
	for _, each := range record.Headers {
		if each.Key == name {
			return string(each.Value)
		}
	}
	return ""
}

func (g *Gate) Ask(uid, purpose string) Answer {
	g.lock.RLock()
	defer g.lock.RUnlock()
	age := time.Since(g.knownAt)
	switch {
	case g.knownAt.IsZero():
		return Answer{Answer: "allow", Reason: "starting", Degraded: true}
	case age > lateAfter:
		return Answer{Answer: "allow", Reason: "view_late", Degraded: true}
	}
	found, known := g.rows[uid]
	if !known {
		return Answer{Answer: "allow", Reason: "none"}
	}
	return answerFrom(found, g.controls, purpose, time.Now().UTC())
}

func (g *Gate) isKnown() bool {
	g.lock.RLock()
	defer g.lock.RUnlock()
	return !g.knownAt.IsZero()
}

func main() {
	gate, err := NewGate(os.Args[1], os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	// Who takes no request before that refuses from the first one on.
	for begin := time.Now(); !gate.isKnown() && time.Since(begin) < 5*time.Second; {
		time.Sleep(10 * time.Millisecond)
	}
	answers := json.NewEncoder(os.Stdout)
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		at := strings.LastIndex(lines.Text(), " ")
		_ = answers.Encode(gate.Ask(lines.Text()[:at], lines.Text()[at+1:]))
	}
}
