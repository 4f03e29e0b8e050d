package edgefunctions

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

// edgeRegions are those with regional edge caches, where CloudFront runs
// Lambda@Edge: a copy writes its logs and metrics there.
var edgeRegions = []string{
	"us-east-1", "us-east-2", "us-west-1", "us-west-2", "sa-east-1", "eu-central-1", "eu-west-1", "eu-west-2",
	"ap-northeast-1", "ap-northeast-2", "ap-south-1", "ap-southeast-1", "ap-southeast-2",
}

// regionsAtOnce: each region has a quota of its own.
const regionsAtOnce = 4

// readReplicas asks each of the regions. One that is refused or cannot be
// reached costs its own copies.
func readReplicas(ctx context.Context, r *collect.Run) error {
	probe := r.Probe("edge_replicas", "", listReplicas)
	err := collect.Each(ctx, regionsAtOnce, edgeRegions, func(ctx context.Context, region string) error {
		err := readRegion(ctx, r, region)
		if collect.Stop(err) {
			return err
		}
		probe.Answered("arn:"+r.Partition+":lambda:"+region+":"+r.Account+":"+region, err)
		return nil
	})
	if err != nil {
		return err
	}
	if probe.Close() {
		r.Complete("edge_replicas", "")
	}
	return nil
}

func readRegion(ctx context.Context, r *collect.Run, region string) error {
	client := lambda.NewFromConfig(r.AWS, func(o *lambda.Options) { o.Region = region })
	return collect.Pages(ctx, listReplicas, func(ctx context.Context, marker *string) (*string, error) {
		out, err := client.ListFunctions(ctx, &lambda.ListFunctionsInput{
			MasterRegion: aws.String("us-east-1"), FunctionVersion: lambdatypes.FunctionVersionAll, Marker: marker,
		})
		if err != nil {
			return nil, fmt.Errorf("list copies in %s: %w", region, err)
		}
		for i := range out.Functions {
			row, mine, err := replica(r, region, &out.Functions[i])
			if err != nil {
				return nil, err
			}
			if !mine {
				continue
			}
			if err := collect.Put(ctx, r, row); err != nil {
				return nil, err
			}
		}
		return out.NextMarker, nil
	})
}

// replica is one copy. In the region of the functions themselves the listing
// may hold those too, which are no copies: they have no master.
func replica(r *collect.Run, region string, c *lambdatypes.FunctionConfiguration) (row schema.EdgeReplica, mine bool, _ error) {
	if aws.ToString(c.MasterArn) == "" {
		return row, false, nil
	}
	master, _, version, ok := collect.Function(*c.MasterArn)
	if !ok {
		return row, false, errors.New("a copy does not name the function that was copied")
	}
	if version == "" {
		version = aws.ToString(c.Version)
	}
	return schema.EdgeReplica{
		Account: r.Account, Region: r.Region, FunctionARN: master, Version: version, ReplicaRegion: region, ReplicaName: aws.ToString(c.FunctionName),
		MemoryMB: uint32(max(0, aws.ToInt32(c.MemorySize))), TimeoutS: uint32(max(0, aws.ToInt32(c.Timeout))), CollectedAt: r.Now,
	}, true, nil
}
