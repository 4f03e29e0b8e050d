// Package brokers collects the message brokers that functions read: MSK clusters
// and Amazon MQ brokers.
package brokers

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kafka"
	kafkatypes "github.com/aws/aws-sdk-go-v2/service/kafka/types"
	"github.com/aws/aws-sdk-go-v2/service/mq"
	mqtypes "github.com/aws/aws-sdk-go-v2/service/mq/types"
	"golang.org/x/sync/errgroup"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

//go:embed doc.md
var doc string

// Collector reads the brokers of one region.
var Collector = &collect.Collector{
	Name:   "brokers",
	Title:  "MSK clusters and Amazon MQ brokers",
	Doc:    doc,
	Writes: []string{"brokers"},
	Actions: []collect.Action{
		{Name: "kafka:ListClustersV2", Blinds: "MSK clusters"},
		{Name: "kafka:GetBootstrapBrokers", Blinds: "host names of MSK clusters"},
		{Name: "mq:ListBrokers", Blinds: "Amazon MQ brokers"},
		{Name: "mq:DescribeBroker", Blinds: "an Amazon MQ broker's host names, authentication and network"},
	},
	Scope:    collect.PerRegion,
	Every:    every,
	Timeout:  15 * time.Minute,
	Estimate: estimate,
	Collect:  run,
}

const (
	every  = 24 * time.Hour
	atOnce = 2
)

// estimate: two listings a region, and a broker for every two hundredth function.
func estimate(i collect.Inventory) collect.APICost {
	return collect.APICost{Calls: (2*i.Scopes() + float64(i.Functions)/200) * collect.RunsPerMonth(every)}
}

type reader struct {
	*collect.Run
	kafka *kafka.Client
	mq    *mq.Client
}

// run reads both services side by side. They share a table, so they are complete
// together.
func run(ctx context.Context, r *collect.Run) error {
	b := &reader{Run: r, kafka: kafka.NewFromConfig(r.AWS), mq: mq.NewFromConfig(r.AWS)}
	var clusters, brokers bool
	group, groupCtx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		clusters, err = b.readClusters(groupCtx)
		return err
	})
	group.Go(func() (err error) {
		brokers, err = b.readBrokers(groupCtx)
		return err
	})
	err := group.Wait()
	if clusters && brokers && err == nil {
		b.Complete("brokers", "")
	}
	return err
}

// readClusters reads the MSK clusters and reports whether it was all of them.
func (b *reader) readClusters(ctx context.Context) (whole bool, _ error) {
	probe := b.Probe("brokers", "", "kafka:GetBootstrapBrokers")
	return collect.SurveyPart(ctx, probe, atOnce, "kafka:ListClustersV2", b.listClusters, func(ctx context.Context, item kafkatypes.Cluster) error {
		return b.readCluster(ctx, probe, &item)
	})
}

// listClusters reads every page, also those before one that fails.
func (b *reader) listClusters(ctx context.Context) ([]kafkatypes.Cluster, error) {
	var list []kafkatypes.Cluster
	malformed := false
	err := collect.Pages(ctx, "kafka:ListClustersV2", func(ctx context.Context, token *string) (*string, error) {
		out, err := b.kafka.ListClustersV2(ctx, &kafka.ListClustersV2Input{NextToken: token, MaxResults: aws.Int32(100)})
		if err != nil {
			return nil, fmt.Errorf("list clusters: %w", err)
		}
		for i := range out.ClusterInfoList {
			if aws.ToString(out.ClusterInfoList[i].ClusterArn) == "" {
				malformed = true
				continue
			}
			list = append(list, out.ClusterInfoList[i])
		}
		return out.NextToken, nil
	})
	if err == nil && malformed {
		err = errors.New("a cluster lacks its ARN")
	}
	return list, err
}

// readCluster asks for one cluster's host names. What is not told leaves what the
// listing gave.
func (b *reader) readCluster(ctx context.Context, probe *collect.Probe, c *kafkatypes.Cluster) error {
	row := b.cluster(c)
	if probe.Hopeless() {
		return collect.Put(ctx, b.Run, row)
	}
	out, err := b.kafka.GetBootstrapBrokers(ctx, &kafka.GetBootstrapBrokersInput{ClusterArn: c.ClusterArn})
	if _, gone := errors.AsType[*kafkatypes.NotFoundException](err); gone {
		return nil // deleted since it was listed
	}
	if collect.Stop(err) {
		return err
	}
	if err != nil {
		err = fmt.Errorf("get bootstrap brokers: %w", err)
	} else {
		row.DetailsRead, row.Hosts = true, bootstrapHosts(out)
	}
	probe.Answered(row.BrokerARN, err)
	return collect.Put(ctx, b.Run, row)
}

func (b *reader) cluster(c *kafkatypes.Cluster) schema.Broker {
	row := schema.Broker{
		Account: b.Account, Region: b.Region, BrokerARN: *c.ClusterArn, BrokerName: aws.ToString(c.ClusterName), Kind: "kafka",
		State: string(c.State), CollectedAt: b.Now,
	}
	if s := c.Serverless; s != nil {
		row.Kind, row.Encryption, row.Authentication = "kafka_serverless", "TLS", []string{"iam"} // it has no other
		for _, v := range s.VpcConfigs {
			row.SubnetIDs, row.SecurityGroupIDs = append(row.SubnetIDs, v.SubnetIds...), append(row.SecurityGroupIDs, v.SecurityGroupIds...)
		}
	}
	p := c.Provisioned
	if p == nil {
		return row
	}
	row.Nodes, row.Authentication = collect.Wide(p.NumberOfBrokerNodes), clusterAuthentication(p.ClientAuthentication)
	if s := p.CurrentBrokerSoftwareInfo; s != nil {
		row.EngineVersion = aws.ToString(s.KafkaVersion)
	}
	if e := p.EncryptionInfo; e != nil && e.EncryptionInTransit != nil {
		row.Encryption = string(e.EncryptionInTransit.ClientBroker)
	}
	if n := p.BrokerNodeGroupInfo; n != nil {
		row.InstanceType, row.SubnetIDs, row.SecurityGroupIDs = aws.ToString(n.InstanceType), n.ClientSubnets, n.SecurityGroups
		if i := n.ConnectivityInfo; i != nil && i.PublicAccess != nil {
			row.Public = aws.ToString(i.PublicAccess.Type) == "SERVICE_PROVIDED_EIPS"
		}
	}
	return row
}

func clusterAuthentication(a *kafkatypes.ClientAuthentication) []string {
	if a == nil {
		return nil
	}
	var kinds []string
	add := func(enabled *bool, kind string) {
		if aws.ToBool(enabled) {
			kinds = append(kinds, kind)
		}
	}
	if s := a.Sasl; s != nil {
		if s.Iam != nil {
			add(s.Iam.Enabled, "iam")
		}
		if s.Scram != nil {
			add(s.Scram.Enabled, "scram")
		}
	}
	if a.Tls != nil {
		add(a.Tls.Enabled, "tls")
	}
	if a.Unauthenticated != nil {
		add(a.Unauthenticated.Enabled, "none")
	}
	return kinds
}

// bootstrapHosts are the host names of a cluster's addresses, whatever their
// authentication.
func bootstrapHosts(out *kafka.GetBootstrapBrokersOutput) []string {
	hosts := map[string]bool{}
	for _, list := range []*string{
		out.BootstrapBrokerString, out.BootstrapBrokerStringTls, out.BootstrapBrokerStringSaslIam, out.BootstrapBrokerStringSaslScram,
		out.BootstrapBrokerStringPublicTls, out.BootstrapBrokerStringPublicSaslIam, out.BootstrapBrokerStringPublicSaslScram,
		out.BootstrapBrokerStringVpcConnectivityTls, out.BootstrapBrokerStringVpcConnectivitySaslIam, out.BootstrapBrokerStringVpcConnectivitySaslScram,
	} {
		for address := range strings.SplitSeq(aws.ToString(list), ",") {
			if host, _, err := net.SplitHostPort(strings.TrimSpace(address)); err == nil {
				hosts[host] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(hosts))
}

// readBrokers reads the Amazon MQ brokers and reports whether it was all of them.
func (b *reader) readBrokers(ctx context.Context) (whole bool, _ error) {
	probe := b.Probe("brokers", "", "mq:DescribeBroker")
	return collect.SurveyPart(ctx, probe, atOnce, "mq:ListBrokers", b.listBrokers, func(ctx context.Context, item mqtypes.BrokerSummary) error {
		return b.readBroker(ctx, probe, item)
	})
}

// listBrokers reads every page, also those before one that fails.
func (b *reader) listBrokers(ctx context.Context) ([]mqtypes.BrokerSummary, error) {
	var list []mqtypes.BrokerSummary
	malformed := false
	err := collect.Pages(ctx, "mq:ListBrokers", func(ctx context.Context, token *string) (*string, error) {
		out, err := b.mq.ListBrokers(ctx, &mq.ListBrokersInput{NextToken: token, MaxResults: aws.Int32(100)})
		if err != nil {
			return nil, fmt.Errorf("list brokers: %w", err)
		}
		for _, item := range out.BrokerSummaries {
			if aws.ToString(item.BrokerArn) == "" || aws.ToString(item.BrokerId) == "" {
				malformed = true
				continue
			}
			list = append(list, item)
		}
		return out.NextToken, nil
	})
	if err == nil && malformed {
		err = errors.New("a broker lacks its ARN or its id")
	}
	return list, err
}

// readBroker asks for one broker. What is not told leaves what the listing gave.
func (b *reader) readBroker(ctx context.Context, probe *collect.Probe, item mqtypes.BrokerSummary) error {
	row := schema.Broker{
		Account: b.Account, Region: b.Region, BrokerARN: *item.BrokerArn, BrokerName: aws.ToString(item.BrokerName), State: string(item.BrokerState),
		Kind: strings.ToLower(string(item.EngineType)), InstanceType: aws.ToString(item.HostInstanceType), CollectedAt: b.Now,
	}
	if probe.Hopeless() {
		return collect.Put(ctx, b.Run, row)
	}
	out, err := b.mq.DescribeBroker(ctx, &mq.DescribeBrokerInput{BrokerId: item.BrokerId})
	if _, gone := errors.AsType[*mqtypes.NotFoundException](err); gone {
		return nil // deleted since it was listed
	}
	if collect.Stop(err) {
		return err
	}
	if err != nil {
		err = fmt.Errorf("describe broker: %w", err)
	} else {
		describe(&row, out)
	}
	probe.Answered(row.BrokerARN, err)
	return collect.Put(ctx, b.Run, row)
}

func describe(row *schema.Broker, out *mq.DescribeBrokerOutput) {
	row.DetailsRead, row.EngineVersion, row.Public = true, aws.ToString(out.EngineVersion), aws.ToBool(out.PubliclyAccessible)
	row.SubnetIDs, row.SecurityGroupIDs, row.Encryption = out.SubnetIds, out.SecurityGroups, "TLS" // its endpoints have no other
	if a := strings.ToLower(string(out.AuthenticationStrategy)); a != "" {
		row.Authentication = []string{a}
	}
	row.Nodes = aws.Int64(int64(len(out.BrokerInstances)))
	hosts := map[string]bool{}
	for _, instance := range out.BrokerInstances {
		for _, endpoint := range instance.Endpoints {
			if u, err := url.Parse(endpoint); err == nil && u.Hostname() != "" {
				hosts[u.Hostname()] = true
			}
		}
	}
	row.Hosts = slices.Sorted(maps.Keys(hosts))
}
