// SPDX-License-Identifier: Apache-2.0

// A gateway that asks fairuse over HTTP before it takes audio. Standard library only.
//
//	FAIRUSE_URL=http://127.0.0.1:8080 FAIRUSE_TOKEN=... go run ./gate_over_http u-17 upload
//
// Whatever goes wrong, audio goes on: no answer in time is an answer that allows.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

const answerWithin = 250 * time.Millisecond

// Answer of POST /v1/gate; what a gateway acts by.
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
}

// Gate keeps its connections open; any number of goroutines may ask.
type Gate struct {
	url, token string
	client     http.Client
}

func NewGate(url, token string) *Gate {
	// The time is that of the whole call, from the name's look-up to the last byte.
	return &Gate{url: url, token: token, client: http.Client{Timeout: answerWithin}}
}

func (g *Gate) Ask(uid, purpose string) Answer {
	var answer Answer
	if err := g.call("/v1/gate", map[string]any{"uid": uid, "purpose": purpose}, &answer); err != nil {
		// A wrong token or question is for the operator to see; the user's audio goes on.
		fmt.Fprintln(os.Stderr, err)
		return Answer{Answer: "allow", Reason: "no_answer", Degraded: true}
	}
	return answer
}

func (g *Gate) call(path string, question, answer any) error {
	body, err := json.Marshal(question)
	if err != nil {
		return err
	}
	request, err := http.NewRequest(http.MethodPost, g.url+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+g.token)
	request.Header.Set("Content-Type", "application/json")
	// The connection may have been closed since the last call: asking twice does no harm.
	request.Header["Idempotency-Key"] = nil
	response, err := g.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	told, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("%s answered %d: %s", path, response.StatusCode, told)
	}
	return json.Unmarshal(told, answer)
}

func environment(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

func main() {
	gate := NewGate(environment("FAIRUSE_URL", "http://127.0.0.1:8080"), os.Getenv("FAIRUSE_TOKEN"))
	answer := gate.Ask(os.Args[1], os.Args[2])
	_ = json.NewEncoder(os.Stdout).Encode(answer)
	if answer.Answer == "refuse" {
		// What a gateway sends on to its own client.
		fmt.Fprintf(os.Stderr, "HTTP/1.1 429, Retry-After: %d\n", answer.RetryAfterS)
		os.Exit(1)
	}
}
