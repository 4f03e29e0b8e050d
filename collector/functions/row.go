package functions

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

// row is a configuration as the table holds it; defaults are those that Lambda
// documents for fields that old or partial answers leave out.
func (f *reader) row(c *types.FunctionConfiguration, unqualified, name string) schema.Function {
	row := schema.Function{
		Account: f.Account, Region: f.Region, FunctionARN: unqualified, FunctionName: name, Version: aws.ToString(c.Version),
		Runtime: string(c.Runtime), PackageType: "Zip", Architecture: "x86_64",
		MemoryMB: number(c.MemorySize), TimeoutS: number(c.Timeout), EphemeralMB: 512,
		CodeBytes: uint64(max(0, c.CodeSize)), Handler: aws.ToString(c.Handler), Description: aws.ToString(c.Description),
		RoleARN: aws.ToString(c.Role), LastModified: collect.ParseInstant(c.LastModified),
		KMSKeyARN: aws.ToString(c.KMSKeyArn), LogGroup: "/aws/lambda/" + name, LogFormat: "Text",
		CodeSHA256: aws.ToString(c.CodeSha256), RevisionID: aws.ToString(c.RevisionId), CollectedAt: f.Now,
	}
	if c.PackageType != "" {
		row.PackageType = string(c.PackageType)
	}
	if len(c.Architectures) > 0 {
		row.Architecture = string(c.Architectures[0])
	}
	if c.EphemeralStorage != nil {
		row.EphemeralMB = number(c.EphemeralStorage.Size)
	}
	if c.VpcConfig != nil {
		row.VPCID = aws.ToString(c.VpcConfig.VpcId)
		row.SubnetIDs, row.SecurityGroupIDs = c.VpcConfig.SubnetIds, c.VpcConfig.SecurityGroupIds
	}
	if c.DeadLetterConfig != nil {
		row.DLQARN = aws.ToString(c.DeadLetterConfig.TargetArn)
	}
	if c.TracingConfig != nil {
		row.TracingMode = string(c.TracingConfig.Mode)
	}
	if c.SnapStart != nil {
		row.SnapstartApplyOn = string(c.SnapStart.ApplyOn)
	}
	for _, layer := range c.Layers {
		row.Layers = append(row.Layers, aws.ToString(layer.Arn))
	}
	for _, mount := range c.FileSystemConfigs {
		row.FileSystemARNs = append(row.FileSystemARNs, aws.ToString(mount.Arn))
	}
	if l := c.LoggingConfig; l != nil {
		row.LogGroup = or(aws.ToString(l.LogGroup), row.LogGroup)
		row.LogFormat = or(string(l.LogFormat), row.LogFormat)
	}
	if c.Environment != nil {
		row.EnvNames, row.EnvRefs = environment(c.Environment.Variables, f.Partition)
	}
	return row
}

// logging is what a function logs and where.
func logging(c *types.FunctionConfiguration, row schema.Function) schema.FunctionLogging {
	l := schema.FunctionLogging{
		Account: row.Account, Region: row.Region, FunctionARN: row.FunctionARN, LogGroup: row.LogGroup, LogFormat: row.LogFormat, CollectedAt: row.CollectedAt,
	}
	if c.LoggingConfig != nil {
		l.ApplicationLevel, l.SystemLevel = string(c.LoggingConfig.ApplicationLogLevel), string(c.LoggingConfig.SystemLogLevel)
	}
	return l
}

// answered is an error that arrived inside a successful answer.
func answered(code, message *string) error {
	return &smithy.GenericAPIError{Code: aws.ToString(code), Message: aws.ToString(message)}
}

func number(v *int32) uint32 { return uint32(max(0, aws.ToInt32(v))) }

func or(value, fallback string) string {
	if value == "" {
		return fallback
	}
	return value
}
