package network

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

// The kinds of target that routes have.
const (
	localTarget     = "local"
	natTarget       = "nat"
	internetTarget  = "internet_gateway"
	endpointTarget  = "endpoint"
	peeringTarget   = "peering"
	transitTarget   = "transit_gateway"
	interfaceTarget = "network_interface"
	otherTarget     = "other"
)

func (c *collection) readRoutes(ctx context.Context, filters []types.Filter) error {
	return collect.Pages(ctx, "ec2:DescribeRouteTables", func(ctx context.Context, token *string) (*string, error) {
		out, err := c.api.DescribeRouteTables(ctx, &ec2.DescribeRouteTablesInput{Filters: filters, NextToken: token, MaxResults: aws.Int32(maxTables)})
		if err != nil {
			return nil, err
		}
		var rows []schema.Route
		for _, t := range out.RouteTables {
			c.associate(t)
			for _, route := range t.Routes {
				row := c.route(t, route)
				if row.TargetKind == peeringTarget || row.TargetKind == transitTarget {
					c.peered = true
				}
				rows = append(rows, row)
			}
		}
		return out.NextToken, collect.Put(ctx, c.Run, rows...)
	})
}

func (c *collection) associate(t types.RouteTable) {
	for _, a := range t.Associations {
		if aws.ToBool(a.Main) {
			c.tables.ofVPC[aws.ToString(t.VpcId)] = aws.ToString(t.RouteTableId)
		}
		if subnet := aws.ToString(a.SubnetId); subnet != "" {
			c.tables.ofSubnet[subnet] = aws.ToString(t.RouteTableId)
		}
	}
}

func (c *collection) route(t types.RouteTable, route types.Route) schema.Route {
	kind, id := routeTarget(route)
	if route.State == types.RouteStateBlackhole {
		kind, id = otherTarget, "blackhole:"+id // its target is gone: it leads nowhere
	}
	return schema.Route{
		Account: c.Account, Region: c.Region, RouteTableID: aws.ToString(t.RouteTableId), VPCID: aws.ToString(t.VpcId),
		Destination: first(route.DestinationCidrBlock, route.DestinationIpv6CidrBlock, route.DestinationPrefixListId),
		TargetKind:  kind, Target: id, CollectedAt: c.Now,
	}
}

// routeTarget tells a route's target by the attribute that names it, and what a
// gateway is by its id.
func routeTarget(r types.Route) (kind, id string) {
	switch gateway := aws.ToString(r.GatewayId); {
	case gateway == "local":
		return localTarget, gateway
	case strings.HasPrefix(gateway, "igw-"):
		return internetTarget, gateway
	case strings.HasPrefix(gateway, "vpce-"):
		return endpointTarget, gateway
	case gateway != "":
		return otherTarget, gateway // virtual private gateways and what comes after them
	case r.NatGatewayId != nil:
		return natTarget, *r.NatGatewayId
	case r.VpcPeeringConnectionId != nil:
		return peeringTarget, *r.VpcPeeringConnectionId
	case r.TransitGatewayId != nil:
		return transitTarget, *r.TransitGatewayId
	case r.NetworkInterfaceId != nil: // also of a NAT instance
		return interfaceTarget, *r.NetworkInterfaceId
	default: // an egress-only internet gateway lets IPv6 out and nothing in
		return otherTarget, first(r.EgressOnlyInternetGatewayId, r.CarrierGatewayId, r.LocalGatewayId, r.CoreNetworkArn, r.OdbNetworkArn)
	}
}

func first(values ...*string) string {
	for _, v := range values {
		if text := aws.ToString(v); text != "" {
			return text
		}
	}
	return ""
}

func (c *collection) readNATGateways(ctx context.Context, filters []types.Filter) error {
	return collect.Pages(ctx, "ec2:DescribeNatGateways", func(ctx context.Context, token *string) (*string, error) {
		out, err := c.api.DescribeNatGateways(ctx, &ec2.DescribeNatGatewaysInput{Filter: filters, NextToken: token, MaxResults: aws.Int32(pageSize)})
		if err != nil {
			return nil, err
		}
		var rows []schema.NATGateway
		for _, g := range out.NatGateways {
			if g.State == types.NatGatewayStateDeleted {
				continue // listed for an hour after it is gone
			}
			rows = append(rows, schema.NATGateway{
				Account: c.Account, Region: c.Region, NatGatewayID: aws.ToString(g.NatGatewayId), VPCID: aws.ToString(g.VpcId),
				SubnetID: aws.ToString(g.SubnetId), State: string(g.State), Connectivity: string(g.ConnectivityType), CollectedAt: c.Now,
			})
		}
		return out.NextToken, collect.Put(ctx, c.Run, rows...)
	})
}

func (c *collection) readEndpoints(ctx context.Context, filters []types.Filter) error {
	return collect.Pages(ctx, "ec2:DescribeVpcEndpoints", func(ctx context.Context, token *string) (*string, error) {
		out, err := c.api.DescribeVpcEndpoints(ctx, &ec2.DescribeVpcEndpointsInput{Filters: filters, NextToken: token, MaxResults: aws.Int32(pageSize)})
		if err != nil {
			return nil, err
		}
		rows := make([]schema.VPCEndpoint, 0, len(out.VpcEndpoints))
		for _, e := range out.VpcEndpoints {
			row := schema.VPCEndpoint{
				Account: c.Account, Region: c.Region, EndpointID: aws.ToString(e.VpcEndpointId), VPCID: aws.ToString(e.VpcId),
				ServiceName: aws.ToString(e.ServiceName), EndpointType: string(e.VpcEndpointType),
				State:     strings.ToLower(string(e.State)), // EC2 writes it either way
				SubnetIDs: e.SubnetIds, RouteTableIDs: e.RouteTableIds, CollectedAt: c.Now,
			}
			for _, g := range e.Groups {
				row.SecurityGroupIDs = append(row.SecurityGroupIDs, aws.ToString(g.GroupId))
			}
			rows = append(rows, row)
		}
		return out.NextToken, collect.Put(ctx, c.Run, rows...)
	})
}
