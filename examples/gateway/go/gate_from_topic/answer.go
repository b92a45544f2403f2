// SPDX-License-Identifier: Apache-2.0

package main

import "time"

// Times of the topic are of one form, so their texts are in the order of time.
const (
	never = "9999-12-31T23:59:59.999Z"
	form  = "2006-01-02T15:04:05.000Z"
)

type actions struct {
	SttModel     string  `json:"stt_model,omitempty"`
	VadThreshold float64 `json:"vad_threshold,omitempty"`
	Caps         string  `json:"caps,omitempty"`
}

// What the topic says of a user.
type row struct {
	Partition       int32   `json:"-"`
	Epoch           int64   `json:"epoch"`
	Stage           string  `json:"stage"`
	Until           string  `json:"until"`
	Actions         actions `json:"actions"`
	HardRestricted  bool    `json:"hard_restricted"`
	Ceiling         bool    `json:"ceiling"`
	UsedMs          int64   `json:"used_ms"`
	LimitMs         int64   `json:"limit_ms"`
	RetryAt         string  `json:"retry_at"`
	BudgetExhausted bool    `json:"budget_exhausted"`
	BudgetUsedMs    int64   `json:"budget_used_ms"`
	BudgetMs        int64   `json:"budget_ms"`
	BudgetResetsAt  string  `json:"budget_resets_at"`
	ContentLocked   bool    `json:"content_locked"`
	Exempt          bool    `json:"exempt"`
}

// What it says of everybody.
type controls struct {
	Enabled    bool `json:"enabled"`
	KillSwitch bool `json:"kill_switch"`
}

// Answer is that of POST /v1/gate.
type Answer struct {
	Answer      string  `json:"answer"`
	Reason      string  `json:"reason"`
	Degraded    bool    `json:"degraded"`
	Locked      bool    `json:"locked"`
	Actions     actions `json:"actions"`
	LimitMs     int64   `json:"limit_ms,omitempty"`
	UsedMs      int64   `json:"used_ms,omitempty"`
	ResetsAt    string  `json:"resets_at,omitempty"`
	RetryAfterS int64   `json:"retry_after_s,omitempty"`
	Epoch       *int64  `json:"epoch,omitempty"`
	Partition   *int32  `json:"partition,omitempty"`
}

// Who was never at a stage, refused, locked or exempt needs no memory.
func (r row) saysSomething() bool {
	return r.Stage != "none" || r.Actions != (actions{}) || r.HardRestricted || r.Ceiling || r.BudgetExhausted ||
		r.ContentLocked || r.Exempt
}

// A clock ends what a row says; it never makes a refusal.
func answerFrom(r row, everybody controls, purpose string, now time.Time) Answer {
	at := now.Format(form)
	answer := Answer{Answer: "allow", Reason: "none", Epoch: &r.Epoch, Partition: &r.Partition}
	refuse := func(reason string, limit, used int64, end string) Answer {
		answer.Answer, answer.Reason, answer.LimitMs, answer.UsedMs = "refuse", reason, limit, used
		if ends, err := time.Parse(form, end); err == nil && end != never {
			answer.ResetsAt = end
			answer.RetryAfterS = 1 + int64((ends.Sub(now)-1)/time.Second)
		}
		return answer
	}
	ends := r.RetryAt
	if r.Until < ends {
		ends = r.Until
	}
	isUpload := purpose == "upload"
	switch {
	case everybody.KillSwitch:
		answer.Reason = "kill_switch"
	case !everybody.Enabled:
		answer.Reason = "disabled"
	case r.Exempt:
		answer.Reason = "exempt"
	case isUpload && r.HardRestricted && at < ends:
		return refuse("hard_restricted", r.LimitMs, r.UsedMs, ends)
	case isUpload && r.Ceiling && at < r.RetryAt:
		return refuse("ceiling", r.LimitMs, r.UsedMs, r.RetryAt)
	case r.BudgetExhausted && at < r.BudgetResetsAt:
		return refuse("budget_exhausted", r.BudgetMs, r.BudgetUsedMs, r.BudgetResetsAt)
	default:
		answer.Locked = r.ContentLocked
		if at <= r.Until {
			answer.Actions = actions{SttModel: r.Actions.SttModel, VadThreshold: r.Actions.VadThreshold}
		}
		if answer.Locked {
			answer.Answer = "allow_locked"
		} else if answer.Actions != (actions{}) {
			answer.Answer = "allow_degraded"
		}
	}
	return answer
}
