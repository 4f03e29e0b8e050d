// Package layers collects the account's layers: what each version is for, how
// large it is and with whom it is shared.
package layers

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

//go:embed doc.md
var doc string

// Collector reads the layers of one region.
var Collector = &collect.Collector{
	Name:   "layers",
	Title:  "the account's layers, their sizes and with whom they are shared",
	Doc:    doc,
	Writes: []string{"layer_versions", "layer_policies"},
	Actions: []collect.Action{
		{Name: listLayers, Blinds: "layers altogether"},
		{Name: listVersions, Blinds: "versions of layers but the newest"},
		{Name: getPolicy, Blinds: "layers that other accounts, or everybody, may use"},
		{Name: getVersion, With: "get_layer_version", Blinds: "sizes of layer versions, which count towards code storage"},
	},
	Scope:   collect.PerRegion,
	Every:   every,
	Timeout: 45 * time.Minute,
	Params: []collect.Param{
		{Name: "policies_every", Default: policiesEvery, Doc: "every so often the policy of each layer version is read again, a share of them in each run; 0 reads all in every run"},
		{Name: "get_layer_version", Default: true, Doc: "read each layer version once for its size, with lambda:GetLayerVersion, which also permits downloading the layer"},
	},
	Estimate: estimate,
	Collect:  run,
}

const (
	listLayers    = "lambda:ListLayers"
	listVersions  = "lambda:ListLayerVersions"
	getPolicy     = "lambda:GetLayerVersionPolicy"
	getVersion    = "lambda:GetLayerVersion"
	every         = 24 * time.Hour
	policiesEvery = 7 * 24 * time.Hour
	atOnce        = 8
	// A size never changes; it is read again only lest a mistake lives for ever.
	sizesEvery = 5 * 365 * 24 * time.Hour
)

// What the estimate assumes: a layer for each fifty functions, of ten versions.
const (
	functionsOfLayer = 50
	versionsOfLayer  = 10
)

// estimate: a listing of layers and one of each layer's versions in a run; the
// policy of each version in a week. Reading sizes is the first run's alone.
func estimate(i collect.Inventory) collect.APICost {
	layers := float64(i.Functions) / functionsOfLayer
	perRun := (i.Scopes() + layers) * collect.RunsPerMonth(every)
	return collect.APICost{Calls: perRun + layers*versionsOfLayer*collect.RunsPerMonth(policiesEvery)}
}

// reader is one run.
type reader struct {
	*collect.Run
	client *lambda.Client

	mu       sync.Mutex
	versions []*version
}

// version is a layer version while it is being read.
type version struct {
	row schema.LayerVersion
	arn string
}

func run(ctx context.Context, r *collect.Run) error {
	l := &reader{Run: r, client: lambda.NewFromConfig(r.AWS)}
	whole, err := l.list(ctx)
	if err != nil {
		return err
	}
	if err := l.readSizes(ctx, whole); err != nil {
		return fmt.Errorf("read sizes of layers: %w", err)
	}
	for _, v := range l.versions {
		if err := collect.Put(ctx, r, v.row); err != nil {
			return err
		}
	}
	if whole {
		r.Complete("layer_versions", "")
	}
	if err := l.readPolicies(ctx, whole); err != nil {
		return fmt.Errorf("read policies of layers: %w", err)
	}
	return nil
}

// list reads the layers, and their versions.
func (l *reader) list(ctx context.Context) (whole bool, _ error) {
	var layers []types.LayersListItem
	listed := collect.Pages(ctx, listLayers, func(ctx context.Context, marker *string) (*string, error) {
		out, err := l.client.ListLayers(ctx, &lambda.ListLayersInput{Marker: marker})
		if err != nil {
			return nil, fmt.Errorf("list layers: %w", err)
		}
		layers = append(layers, out.Layers...)
		return out.NextMarker, nil
	})
	if collect.Stop(listed) {
		return false, listed
	}
	if listed != nil {
		l.Gap("layer_versions", "", "", listLayers, listed)
		l.Gap("layer_policies", "", "", listLayers, listed)
	}
	probe := l.Probe("layer_versions", "", listVersions).Also("layer_policies", "")
	err := collect.Each(ctx, atOnce, layers, func(ctx context.Context, layer types.LayersListItem) error {
		if probe.Hopeless() {
			return nil
		}
		err := l.readVersions(ctx, layer)
		if collect.Stop(err) {
			return err
		}
		probe.Answered(aws.ToString(layer.LayerArn), err)
		return nil
	})
	return probe.Close() && listed == nil, err
}

func (l *reader) readVersions(ctx context.Context, layer types.LayersListItem) error {
	arn := aws.ToString(layer.LayerArn)
	if arn == "" {
		return errors.New("a layer lacks its ARN")
	}
	newest := int64(0)
	if layer.LatestMatchingVersion != nil {
		newest = layer.LatestMatchingVersion.Version
	}
	return collect.Pages(ctx, listVersions, func(ctx context.Context, marker *string) (*string, error) {
		out, err := l.client.ListLayerVersions(ctx, &lambda.ListLayerVersionsInput{LayerName: &arn, Marker: marker})
		if err != nil {
			return nil, fmt.Errorf("list versions of a layer: %w", err)
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		for i := range out.LayerVersions {
			row := l.row(&out.LayerVersions[i], layer)
			row.Latest = row.Version == newest
			l.versions = append(l.versions, &version{row, arn + ":" + strconv.FormatInt(row.Version, 10)})
		}
		return out.NextMarker, nil
	})
}

func (l *reader) row(v *types.LayerVersionsListItem, layer types.LayersListItem) schema.LayerVersion {
	row := schema.LayerVersion{
		Account: l.Account, Region: l.Region, LayerARN: aws.ToString(layer.LayerArn), LayerName: aws.ToString(layer.LayerName), Version: v.Version,
		License: aws.ToString(v.LicenseInfo), CreatedAt: collect.ParseInstant(v.CreatedDate), CollectedAt: l.Now,
	}
	for _, a := range v.CompatibleArchitectures {
		row.Architectures = append(row.Architectures, string(a))
	}
	for _, r := range v.CompatibleRuntimes {
		row.Runtimes = append(row.Runtimes, string(r))
	}
	return row
}

// items are the versions as a rota knows them.
func (l *reader) items() (items []collect.Item, byID map[string]*version) {
	byID = map[string]*version{}
	for _, v := range l.versions {
		id := v.row.LayerName + ":" + strconv.FormatInt(v.row.Version, 10)
		byID[id] = v
		items = append(items, collect.Item{ID: id, Mark: v.row.CreatedAt.String()})
	}
	return items, byID
}

// readSizes asks about each version once; a size is remembered in a note.
func (l *reader) readSizes(ctx context.Context, whole bool) error {
	if ask, ok := l.Params["get_layer_version"].(bool); !ok || !ask {
		return nil
	}
	rota, err := l.RotaOf(ctx, "sizes", sizesEvery)
	if err != nil {
		return err
	}
	probe := l.Probe("layer_versions", "size", getVersion)
	items, byID := l.items()
	rota.Plan(items, whole)
	err = collect.Each(ctx, atOnce, items, func(ctx context.Context, item collect.Item) error {
		v := byID[item.ID]
		if n, err := strconv.ParseInt(rota.Note(item.ID), 10, 64); err == nil {
			v.row.CodeBytes = &n
		}
		if !rota.Due(item.ID) || probe.Hopeless() {
			return nil
		}
		out, err := l.client.GetLayerVersion(ctx, &lambda.GetLayerVersionInput{LayerName: &v.row.LayerARN, VersionNumber: &v.row.Version})
		if err == nil && out.Content == nil {
			err = errors.New("the answer lacks the layer's content")
		}
		if collect.Stop(err) {
			return err
		}
		probe.Answered(v.arn, err)
		if answered := err == nil; !answered {
			return nil // the probe has it
		}
		v.row.CodeBytes = &out.Content.CodeSize
		return rota.Read(ctx, item.ID, strconv.FormatInt(out.Content.CodeSize, 10))
	})
	if err != nil {
		rota.Break(ctx)
		return err
	}
	probe.Close()
	_, _, err = rota.Close(ctx)
	return err
}

// readPolicies asks for the policies of the versions whose turn it is.
func (l *reader) readPolicies(ctx context.Context, whole bool) error {
	period, ok := l.Params["policies_every"].(time.Duration)
	if !ok || period < 0 {
		return errors.New("parameter policies_every must be a duration of 0 or more, such as 168h")
	}
	rota, err := l.RotaOf(ctx, "policies", period)
	if err != nil {
		return err
	}
	probe := l.Probe("layer_policies", "", getPolicy)
	items, byID := l.items()
	rota.Plan(items, whole)
	err = rota.Ask(ctx, atOnce, probe, func(ctx context.Context, id string) (string, error) {
		v := byID[id]
		out, err := l.client.GetLayerVersionPolicy(ctx, &lambda.GetLayerVersionPolicyInput{LayerName: &v.row.LayerARN, VersionNumber: &v.row.Version})
		if err != nil {
			return v.arn, fmt.Errorf("get policy of a layer version: %w", err)
		}
		rows, err := l.statements(v, aws.ToString(out.Policy))
		if err != nil {
			return v.arn, err
		}
		return v.arn, collect.Put(ctx, l.Run, rows...)
	})
	if err != nil {
		return err
	}
	if !whole {
		probe.Close()
		_, _, err := rota.Close(ctx) // of what was listed, which is not all
		return err
	}
	return rota.Finish(ctx, probe)
}

// outside reports whether a principal is not of the account.
func outside(account, principal string) bool {
	return principal != account && !strings.Contains(principal, "::"+account+":")
}
