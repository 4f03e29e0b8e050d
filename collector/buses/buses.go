// Package buses collects who may put events on EventBridge's buses, and which
// events can be replayed.
package buses

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

//go:embed doc.md
var doc string

// Collector reads the event buses of one region.
var Collector = &collect.Collector{
	Name:   "buses",
	Title:  "who may put events on EventBridge's buses, and which events can be replayed",
	Doc:    doc,
	Writes: []string{"event_buses", "event_archives"},
	Actions: []collect.Action{
		{Name: "events:ListEventBuses", Blinds: "buses, and other accounts that may put events on them"},
		{Name: "events:ListArchives", Blinds: "archives: whether events can be replayed"},
	},
	Scope:    collect.PerRegion,
	Every:    every,
	Timeout:  10 * time.Minute,
	Estimate: estimate,
	Collect:  run,
}

const every = 24 * time.Hour

// estimate: two listings a region.
func estimate(i collect.Inventory) collect.APICost {
	return collect.APICost{Calls: 2 * i.Scopes() * collect.RunsPerMonth(every)}
}

type reader struct {
	*collect.Run
	client *eventbridge.Client
}

func run(ctx context.Context, r *collect.Run) error {
	b := &reader{Run: r, client: eventbridge.NewFromConfig(r.AWS)}
	for _, part := range []struct {
		table, action string
		read          func(context.Context) error
	}{
		{"event_buses", "events:ListEventBuses", b.readBuses},
		{"event_archives", "events:ListArchives", b.readArchives},
	} {
		err := part.read(ctx)
		switch {
		case collect.Stop(err):
			return err
		case err != nil:
			b.Gap(part.table, "", "", part.action, err)
		default:
			b.Complete(part.table, "")
		}
	}
	return nil
}

func (b *reader) readBuses(ctx context.Context) error {
	malformed := false
	err := collect.Pages(ctx, "events:ListEventBuses", func(ctx context.Context, token *string) (*string, error) {
		out, err := b.client.ListEventBuses(ctx, &eventbridge.ListEventBusesInput{NextToken: token, Limit: aws.Int32(100)})
		if err != nil {
			return nil, fmt.Errorf("list event buses: %w", err)
		}
		for _, item := range out.EventBuses {
			if aws.ToString(item.Arn) == "" {
				malformed = true
				continue
			}
			row := schema.EventBus{Account: b.Account, Region: b.Region, BusARN: *item.Arn, BusName: aws.ToString(item.Name), CollectedAt: b.Now}
			row.Principals, row.Organizations, row.PolicyRead = admitted(aws.ToString(item.Policy))
			if err := collect.Put(ctx, b.Run, row); err != nil {
				return nil, err
			}
		}
		return out.NextToken, nil
	})
	if err == nil && malformed {
		err = errors.New("an event bus lacks its ARN")
	}
	return err
}

// admitted is whom a bus's resource policy lets in, and the organisations to
// which it narrows them. A bus without one admits its own account alone.
func admitted(policy string) (who, organizations []string, read bool) {
	if policy == "" {
		return nil, nil, true
	}
	var document struct {
		Statement []struct {
			Effect    string
			Principal collect.Principals
			Condition map[string]map[string]collect.Texts
		}
	}
	if json.Unmarshal([]byte(policy), &document) != nil {
		return nil, nil, false
	}
	let, within := map[string]bool{}, map[string]bool{}
	for _, s := range document.Statement {
		if s.Effect != "Allow" {
			continue
		}
		for _, list := range s.Principal {
			for _, p := range list {
				let[p] = true
			}
		}
		for _, keys := range s.Condition {
			for key, values := range keys {
				if strings.EqualFold(key, "aws:PrincipalOrgID") {
					for _, v := range values {
						within[v] = true
					}
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(let)), slices.Sorted(maps.Keys(within)), true
}

func (b *reader) readArchives(ctx context.Context) error {
	malformed := false
	err := collect.Pages(ctx, "events:ListArchives", func(ctx context.Context, token *string) (*string, error) {
		out, err := b.client.ListArchives(ctx, &eventbridge.ListArchivesInput{NextToken: token, Limit: aws.Int32(100)})
		if err != nil {
			return nil, fmt.Errorf("list archives: %w", err)
		}
		for _, item := range out.Archives {
			if aws.ToString(item.ArchiveName) == "" || aws.ToString(item.EventSourceArn) == "" {
				malformed = true
				continue
			}
			row := schema.EventArchive{
				Account: b.Account, Region: b.Region, BusARN: *item.EventSourceArn, ArchiveName: *item.ArchiveName, State: string(item.State),
				Events: item.EventCount, Bytes: item.SizeBytes, CollectedAt: b.Now,
			}
			if days := aws.ToInt32(item.RetentionDays); days > 0 {
				row.RetentionDays = aws.Int64(int64(days))
			}
			if err := collect.Put(ctx, b.Run, row); err != nil {
				return nil, err
			}
		}
		return out.NextToken, nil
	})
	if err == nil && malformed {
		err = errors.New("an archive lacks its name or its bus")
	}
	return err
}
