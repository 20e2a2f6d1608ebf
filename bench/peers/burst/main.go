// burst - robfig/cron with COUNT entries of one SPEC, each of which runs PROGRAM and
// reads its output to the end, as the services built upon it do.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"

	"github.com/robfig/cron/v3"
)

func main() {
	if len(os.Args) < 4 {
		fmt.Fprintln(os.Stderr, "usage: burst COUNT SPEC PROGRAM [ARG...]")
		os.Exit(2)
	}
	count, _ := strconv.Atoi(os.Args[1])
	c := cron.New(cron.WithSeconds())
	for i := 0; i < count; i++ {
		_, err := c.AddFunc(os.Args[2], func() {
			if _, err := exec.Command(os.Args[3], os.Args[4:]...).CombinedOutput(); err != nil {
				fmt.Fprintln(os.Stderr, err)
			}
		})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	c.Run()
}
