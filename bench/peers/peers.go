// peers.go - robfig/cron and supercronic's cronexpr on the expressions of a file: one
// line of JSON for each library, zone and expression, as bench/schedule.c prints them.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/aptible/supercronic/cronexpr"
	"github.com/robfig/cron/v3"
)

const (
	fires  = 16
	enough = 10 * time.Millisecond
)

// the measured walk begins at the first; answers are compared from each
var starts = []int64{1767225600, 1772841600, 1774656000, 1792800000, 1793404800}

type schedule interface{ Next(time.Time) time.Time }

type line struct {
	Who   string  `json:"who"`
	Zone  string  `json:"zone"`
	Expr  string  `json:"expr"`
	Next  float64 `json:"next_ns"`
	Parse float64 `json:"parse_ns"`
	Fires [][]int64`json:"fires"`
	Error string  `json:"error,omitempty"`
}

// nanoseconds a call of f, which does n calls at a time
func cost(n int, f func()) float64 {
	f()
	start, rounds := time.Now(), 0
	for time.Since(start) < enough {
		f()
		rounds++
	}
	return float64(time.Since(start).Nanoseconds()) / float64(rounds*n)
}

func measure(who, zone, expr string, parse func(string) (schedule, error)) line {
	result := line{Who: who, Zone: zone, Expr: expr, Fires: [][]int64{}}
	location, err := time.LoadLocation(zone)
	if err != nil {
		result.Error = err.Error()
		return result
	}
	s, err := parse(expr)
	if err != nil {
		result.Error = err.Error()
		return result
	}
	for _, start := range starts {
		found := []int64{}
		for t, i := time.Unix(start, 0).In(location), 0; i < fires; i++ {
			if t = s.Next(t); t.IsZero() {
				break
			}
			found = append(found, t.Unix())
		}
		result.Fires = append(result.Fires, found)
	}
	from := time.Unix(starts[0], 0).In(location)
	result.Next = cost(fires, func() {
		for t, i := from, 0; i < fires; i++ {
			t = s.Next(t)
		}
	})
	result.Parse = cost(1, func() { parse(expr) })
	return result
}

func main() {
	file, err := os.Open(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	robfig := func(text string) (schedule, error) { return cron.ParseStandard(text) }
	supercronic := func(text string) (schedule, error) { return cronexpr.Parse(text) }
	out := json.NewEncoder(os.Stdout)
	for lines := bufio.NewScanner(file); lines.Scan(); {
		for _, zone := range []string{"UTC", "America/New_York", "Europe/Paris"} {
			out.Encode(measure("robfig/cron v3", zone, lines.Text(), robfig))
			out.Encode(measure("supercronic", zone, lines.Text(), supercronic))
		}
	}
}
