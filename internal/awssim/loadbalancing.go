package awssim

import "slices"

// loadBalancingService is Elastic Load Balancing. AWS publishes no rates.
func loadBalancingService() *service {
	return &service{
		name: "elasticloadbalancing", prefix: "elasticloadbalancing", protocol: query,
		target: "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/", xml: queryNames(),
		quotas: []quota{{name: "requests", perSecond: 10}},
		operations: []operation{
			{name: "DescribeTargetGroups", run: describeTargetGroups, params: []param{{name: "PageSize", min: 1, max: 400}}},
			{name: "DescribeTargetHealth", run: describeTargetHealth, params: []param{{name: "TargetGroupArn", required: true}}},
		},
	}
}

func describeTargetGroups(c *call) (obj, error) {
	items, next, err := page(c, paging{token: "Marker", limit: "PageSize", size: 400}, c.world().TargetGroups)
	if err != nil {
		return nil, err
	}
	return compact(obj{"TargetGroups": mapOf(items, func(g *TargetGroup) obj {
		o := obj{
			"TargetGroupArn": g.ARN, "TargetGroupName": g.Name, "TargetType": "lambda", "HealthCheckEnabled": g.HealthChecks,
			"HealthCheckIntervalSeconds": 35, "HealthCheckTimeoutSeconds": 30, "HealthCheckPath": "/", "LoadBalancerArns": []string{},
			"HealthyThresholdCount": 5, "UnhealthyThresholdCount": 2, "IpAddressType": "ipv4", "Matcher": obj{"HttpCode": "200"},
		}
		if g.LoadBalancerARN != "" {
			o["LoadBalancerArns"] = []string{g.LoadBalancerARN}
		}
		return o
	}), "NextMarker": next}), nil
}

func describeTargetHealth(c *call) (obj, error) {
	all := c.world().TargetGroups
	i := slices.IndexFunc(all, func(g *TargetGroup) bool { return g.ARN == c.str("TargetGroupArn") })
	if i < 0 {
		return nil, errorf(400, "TargetGroupNotFound", "One or more target groups not found")
	}
	g := all[i]
	health := obj{"State": "healthy"}
	switch {
	case g.LoadBalancerARN == "":
		health = obj{"State": "unused", "Reason": "Target.NotInUse", "Description": "Target group is not configured to receive traffic from the load balancer"}
	case !g.HealthChecks:
		health = obj{"State": "unavailable", "Reason": "Target.HealthCheckDisabled", "Description": "Health checks are not enabled for this target"}
	}
	return obj{"TargetHealthDescriptions": []obj{{"Target": obj{"Id": g.FunctionARN, "AvailabilityZone": "all"}, "TargetHealth": health}}}, nil
}
