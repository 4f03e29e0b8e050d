package recursiveloops

import (
	"fmt"
	"strings"

	"github.com/faaswarden/faaswarden/internal/graph"
)

// remediation is the command that stops the loop soonest and loses least, then
// what mends it. Nothing here is ever run by faaswarden.
func (f *facts) remediation() string {
	if f.class == intentional {
		return f.keep()
	}
	for _, cut := range []func(graph.Cycle) []string{stopMapping, stopPipe, stopRule, stopTopic, stopBucket} {
		if lines := cut(f.shown()); lines != nil {
			return strings.Join(lines, "\n")
		}
	}
	return "# stops every invocation of the function until it is mended\n" + stopFunction(f.Members[0].ARN)
}

// keep is what to do about a loop that is meant.
func (f *facts) keep() string {
	switch {
	case f.unguarded():
		return "# meant or not, bound it: choose the concurrency that the loop needs\n" +
			fmt.Sprintf("aws lambda put-function-concurrency --function-name %s --reserved-concurrent-executions 10 --region %s", f.Members[0].Name, f.Members[0].Region)
	case f.Exempt != nil:
		return "# nothing to do until the exemption ends on " + f.Exempt.Until
	default:
		return "# record that it is meant, with an owner and an end, under analyzers.recursiveloops.exemptions in the configuration"
	}
}

// stopMapping keeps the messages in their queue or stream.
func stopMapping(c graph.Cycle) []string {
	for _, s := range c {
		if s.Source == "esm" && s.Kind == "trigger" && s.Via != "" {
			return []string{
				"# events stay in " + shortName(s.Src) + " meanwhile; undo with --enabled",
				fmt.Sprintf("aws lambda update-event-source-mapping --uuid %s --no-enabled --region %s", s.Via, regionOf(s.Dst)),
			}
		}
	}
	return nil
}

// stopPipe keeps the events in the pipe's source.
func stopPipe(c graph.Cycle) []string {
	for _, s := range c {
		if s.DstKind != graph.Pipe {
			continue
		}
		return []string{
			"# events stay in " + shortName(s.Src) + " meanwhile; undo with start-pipe",
			fmt.Sprintf("aws pipes stop-pipe --name %s --region %s", shortName(s.Dst), regionOf(s.Dst)),
		}
	}
	return nil
}

func stopRule(c graph.Cycle) []string {
	for _, s := range c {
		rule := s.Src
		if graph.KindOf(rule) != graph.Rule {
			rule = s.Dst
		}
		if graph.KindOf(rule) != graph.Rule {
			continue
		}
		return []string{
			"# the rule's other targets miss these events meanwhile; undo with enable-rule",
			fmt.Sprintf("aws events disable-rule --name %s --event-bus-name %s --region %s", shortName(rule), shortName(graph.BusOf(rule)), regionOf(rule)),
		}
	}
	return nil
}

func stopTopic(c graph.Cycle) []string {
	for _, s := range c {
		if s.Source == "sns" && strings.HasPrefix(s.Via, "arn:") {
			return []string{
				"# note the subscription's attributes first: unsubscribing forgets them",
				fmt.Sprintf("aws sns get-subscription-attributes --subscription-arn %s --region %s", s.Via, regionOf(s.Src)),
				fmt.Sprintf("aws sns unsubscribe --subscription-arn %s --region %s", s.Via, regionOf(s.Src)),
			}
		}
	}
	return nil
}

// stopBucket stops the function first: a bucket's notifications can only be
// replaced as a whole, which takes an editor and some care.
func stopBucket(c graph.Cycle) []string {
	for _, s := range c {
		if s.Source != "s3" {
			continue
		}
		bucket := shortName(s.Src)
		stop := "# the notification leads to " + s.Dst
		if s.DstKind == graph.Function {
			stop = stopFunction(s.Dst)
		}
		return []string{
			stop,
			"# then take the notification out, or give it a prefix that the function does not write to",
			fmt.Sprintf("aws s3api get-bucket-notification-configuration --bucket %s > notification.json", bucket),
			fmt.Sprintf("aws s3api put-bucket-notification-configuration --bucket %s --notification-configuration file://notification.json", bucket),
		}
	}
	return nil
}

func stopFunction(arn string) string {
	return fmt.Sprintf("aws lambda put-function-concurrency --function-name %s --reserved-concurrent-executions 0 --region %s", shortName(arn), regionOf(arn))
}
