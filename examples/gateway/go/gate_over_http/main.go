// SPDX-License-Identifier: Apache-2.0

// A gateway that asks fairuse over HTTP before it takes audio. Standard library only.
//
//	export FAIRUSE_URL=http://127.0.0.1:8080 FAIRUSE_TOKEN=...       # roles gateway and, for streams, producer
//	go run ./gate_over_http u-17 upload
//	go run ./gate_over_http u-17 stream call-81 30000 30000          # a stream of two stretches, in ms
//
// Whatever goes wrong, audio goes on: no answer in time is an answer that allows.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"
)

const (
	answerWithin = 250 * time.Millisecond
	takenWithin  = 2 * time.Second
	// An instance that has been idle commits before it gives a lease; the question is asked before its audio comes.
	leaseWithin = time.Second
)

// Question and Answer of POST /v1/gate: what a gateway acts by.
type Question struct {
	UID       string `json:"uid"`
	Purpose   string `json:"purpose"`
	Session   string `json:"session,omitempty"`
	PlannedMs int64  `json:"planned_ms,omitempty"`
}

type Answer struct {
	Answer   string `json:"answer"`
	Reason   string `json:"reason"`
	Degraded bool   `json:"degraded"`
	Locked   bool   `json:"locked"`
	Actions  struct {
		SttModel     string  `json:"stt_model,omitempty"`
		VadThreshold float64 `json:"vad_threshold,omitempty"`
	} `json:"actions"`
	LimitMs     int64  `json:"limit_ms,omitempty"`
	UsedMs      int64  `json:"used_ms,omitempty"`
	ResetsAt    string `json:"resets_at,omitempty"`
	RetryAfterS int64  `json:"retry_after_s,omitempty"`
	Lease       *Lease `json:"lease,omitempty"`
}

type Lease struct {
	ID        string `json:"id"`
	GrantedMs int64  `json:"granted_ms"`
}

// API keeps its connections open; any number of goroutines may call.
type API struct{ url, token string }

// What is answered is in `into`. The time is that of the whole call, from the name's look-up to the last byte.
func (a API) post(path, kind string, within time.Duration, what, into any) error {
	body, err := json.Marshal(what)
	if err != nil {
		return err
	}
	until, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	request, err := http.NewRequestWithContext(until, http.MethodPost, a.url+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+a.token)
	request.Header.Set("Content-Type", kind)
	// A connection that has lain idle may be closed by now: to call twice does no harm.
	request.Header["Idempotency-Key"] = nil
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	told, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK && response.StatusCode != http.StatusAccepted {
		return fmt.Errorf("%s answered %d: %s", path, response.StatusCode, told)
	}
	return json.Unmarshal(told, into)
}

func (a API) Ask(question Question) Answer {
	within, answer := answerWithin, Answer{}
	if question.Session != "" {
		within = leaseWithin
	}
	if err := a.post("/v1/gate", "application/json", within, question, &answer); err != nil {
		// A wrong token or question is for the operator to see; the user's audio goes on.
		fmt.Fprintln(os.Stderr, err)
		return Answer{Answer: "allow", Reason: "no_answer", Degraded: true}
	}
	return answer
}

// Stream tells the answers for a stream; the last one is returned. Each stretch is a session with a lease of its own,
// so that no two streams of the user spend the same minutes; it is shorter than a lease is valid, so it need not ask
// again. What a lease does not cover is another stretch.
func (a API) Stream(uid, call string, stretchesMs []int64, told func(Answer)) (answer Answer) {
	var unsent []map[string]any
	for number := 0; len(stretchesMs) > 0; number++ {
		session, planned := fmt.Sprintf("%s/%d", call, number), stretchesMs[0]
		stretchesMs = stretchesMs[1:]
		answer = a.Ask(Question{uid, "stream", session, planned})
		told(answer)
		if answer.Answer == "refuse" {
			return answer
		}
		if answer.Lease != nil && answer.Lease.GrantedMs < planned {
			stretchesMs = append([]int64{planned - answer.Lease.GrantedMs}, stretchesMs...)
			planned = answer.Lease.GrantedMs
		}
		unsent = append(unsent, used(uid, session, transcribe(planned), answer.Lease))
		// What is not taken is sent again with the next, under the same id: it counts once.
		var outcomes struct{ Events []map[string]any }
		if err := a.post("/v1/events", "application/cloudevents-batch+json", takenWithin, unsent, &outcomes); err != nil {
			fmt.Fprintln(os.Stderr, err)
			continue
		}
		unsent = nil
		for _, each := range outcomes.Events {
			if each["outcome"] != "accepted" && each["outcome"] != "duplicate" {
				fmt.Fprintln(os.Stderr, each)
			}
		}
	}
	return answer
}

// Here is your STT; the ms that it used.
func transcribe(ms int64) int64 { return ms }

func used(uid, id string, ms int64, lease *Lease) map[string]any {
	data := map[string]any{"ms": ms}
	if lease != nil {
		data["lease"] = lease.ID
	}
	return map[string]any{"specversion": "1.0", "type": "fairuse.stt.v1", "source": "gateway-1", "id": id, "subject": uid,
		"time": time.Now().UTC().Format(time.RFC3339Nano), "data": data}
}

func main() {
	url := os.Getenv("FAIRUSE_URL")
	if url == "" {
		url = "http://127.0.0.1:8080"
	}
	api := API{url, os.Getenv("FAIRUSE_TOKEN")}
	tell := func(answer Answer) { _ = json.NewEncoder(os.Stdout).Encode(answer) }
	uid, purpose, call := os.Args[1], os.Args[2], os.Args[3:]
	var answer Answer
	if len(call) == 0 {
		answer = api.Ask(Question{UID: uid, Purpose: purpose})
		tell(answer)
	} else {
		var stretchesMs []int64
		for _, each := range call[1:] {
			ms, _ := strconv.ParseInt(each, 10, 64)
			stretchesMs = append(stretchesMs, ms)
		}
		answer = api.Stream(uid, call[0], stretchesMs, tell)
	}
	if answer.Answer == "refuse" {
		// What a gateway sends on to its own client.
		fmt.Fprintf(os.Stderr, "HTTP/1.1 429, Retry-After: %d\n", answer.RetryAfterS)
		os.Exit(1)
	}
}
