package triggers

import (
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

// detail is what the row of a mapping leaves out. Of access to a source it
// keeps the kinds alone: the rest names secrets.
func (t *reader) detail(m *types.EventSourceMappingConfiguration, row schema.EventSourceMapping) schema.EventSourceMappingDetail {
	d := schema.EventSourceMappingDetail{
		Account: t.Account, Region: t.Region, UUID: row.UUID, FunctionARN: row.FunctionARN, SourceKind: sourceKind(m), OnFailureARN: row.OnFailureARN,
		StartingPosition: string(m.StartingPosition), ParallelizationFactor: wide(m.ParallelizationFactor), TumblingWindowS: wide(m.TumblingWindowInSeconds),
		MaximumRecordAgeS: wide(m.MaximumRecordAgeInSeconds), Topics: m.Topics, Queues: m.Queues, FiltersEncryptedBy: aws.ToString(m.KMSKeyArn),
		ReportBatchFailures:  slices.Contains(m.FunctionResponseTypes, types.FunctionResponseTypeReportBatchItemFailures),
		LastProcessingResult: aws.ToString(m.LastProcessingResult), StateTransitionReason: aws.ToString(m.StateTransitionReason),
		LastModified: time.Unix(0, 0).UTC(), CollectedAt: t.Now,
	}
	if m.LastModified != nil {
		d.LastModified = m.LastModified.UTC()
	}
	if p := m.ProvisionedPollerConfig; p != nil {
		d.MinimumPollers, d.MaximumPollers, d.PollerGroup = wide(p.MinimumPollers), wide(p.MaximumPollers), aws.ToString(p.PollerGroupName)
	}
	if m.MetricsConfig != nil {
		for _, metric := range m.MetricsConfig.Metrics {
			d.Metrics = append(d.Metrics, string(metric))
		}
	}
	if m.LoggingConfig != nil {
		d.LogLevel = string(m.LoggingConfig.SystemLogLevel)
	}
	for _, access := range m.SourceAccessConfigurations {
		d.SourceAccess = append(d.SourceAccess, string(access.Type))
	}
	slices.Sort(d.SourceAccess)
	d.SourceAccess = slices.Compact(d.SourceAccess)
	kafka(&d, m)
	if c := m.DocumentDBEventSourceConfig; c != nil {
		d.DocumentDBDatabase, d.DocumentDBCollection, d.FullDocument = aws.ToString(c.DatabaseName), aws.ToString(c.CollectionName), string(c.FullDocument)
	}
	return d
}

// kafka fills in what mappings of Kafka have, managed or not.
func kafka(d *schema.EventSourceMappingDetail, m *types.EventSourceMappingConfiguration) {
	if c := m.AmazonManagedKafkaEventSourceConfig; c != nil {
		d.ConsumerGroup = aws.ToString(c.ConsumerGroupId)
	}
	if c := m.SelfManagedKafkaEventSourceConfig; c != nil {
		d.ConsumerGroup, d.ConsumptionMode = aws.ToString(c.ConsumerGroupId), string(c.ConsumptionMode)
	}
	if m.SelfManagedEventSource == nil {
		return
	}
	for _, hosts := range m.SelfManagedEventSource.Endpoints {
		d.BrokerHosts = append(d.BrokerHosts, hosts...)
	}
	slices.Sort(d.BrokerHosts)
}

func sourceKind(m *types.EventSourceMappingConfiguration) string {
	source := aws.ToString(m.EventSourceArn)
	_, kind := collect.Node(source)
	switch {
	case m.DocumentDBEventSourceConfig != nil:
		return "documentdb"
	case m.SelfManagedEventSource != nil, strings.Contains(source, ":kafka:"):
		return "kafka"
	case strings.Contains(source, ":mq:"):
		return "mq"
	}
	if service := map[string]string{"queue": "sqs", "stream": "kinesis", "table": "dynamodb"}[kind]; service != "" {
		return service
	}
	return "other"
}
