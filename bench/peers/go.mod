module peers

go 1.19

require (
	github.com/aptible/supercronic v0.2.26
	github.com/robfig/cron/v3 v3.0.1
)
