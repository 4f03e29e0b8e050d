package awssim

import (
	"net/http"
	"slices"
	"strings"
)

// kafkaService is Amazon MSK. AWS publishes no rates of its control plane.
func kafkaService() *service {
	return &service{
		name: "kafka", prefix: "kafka", protocol: restJSON,
		words: map[failure]wording{
			failThrottled:  {status: 429, code: "TooManyRequestsException"},
			failValidation: {status: 400, code: "BadRequestException"},
			failBadToken:   {status: 400, code: "BadRequestException"},
			failInternal:   {status: 500, code: "InternalServerErrorException"},
		},
		quotas: []quota{{name: "requests", perSecond: 5}},
		operations: []operation{
			{
				name: "ListClustersV2", method: http.MethodGet, path: "/api/v2/clusters", run: listClusters,
				params: []param{{name: "maxResults", min: 1, max: 100}}, resource: func(c *call) string { return c.arn("kafka", "/*") },
			},
			{
				name: "GetBootstrapBrokers", method: http.MethodGet, path: "/v1/clusters/{ClusterArn}/bootstrap-brokers", run: getBootstrapBrokers,
				resource: func(c *call) string { return c.str("ClusterArn") },
			},
		},
	}
}

func listClusters(c *call) (obj, error) {
	items, next, err := page(c, paging{token: "nextToken", limit: "maxResults", size: 100}, c.world().Clusters)
	if err != nil {
		return nil, err
	}
	return compact(obj{"clusterInfoList": mapOf(items, func(k *Cluster) obj {
		o := obj{"clusterArn": k.ARN, "clusterName": k.Name, "state": k.State, "creationTime": isoTime{k.CreatedAt}, "clusterType": "PROVISIONED"}
		sasl := obj{"sasl": obj{"iam": obj{"enabled": true}}}
		if k.Serverless {
			o["clusterType"] = "SERVERLESS"
			o["serverless"] = obj{"clientAuthentication": sasl, "vpcConfigs": []obj{{"subnetIds": k.SubnetIDs, "securityGroupIds": k.GroupIDs}}}
			return o
		}
		o["provisioned"] = obj{
			"clientAuthentication": sasl, "numberOfBrokerNodes": len(k.SubnetIDs), "currentBrokerSoftwareInfo": obj{"kafkaVersion": "3.8.x"},
			"brokerNodeGroupInfo": obj{"clientSubnets": k.SubnetIDs, "securityGroups": k.GroupIDs, "instanceType": "kafka.m7g.large"},
			"encryptionInfo":      obj{"encryptionInTransit": obj{"clientBroker": "TLS", "inCluster": true}},
		}
		return o
	}), "nextToken": next}), nil
}

func getBootstrapBrokers(c *call) (obj, error) {
	all := c.world().Clusters
	i := slices.IndexFunc(all, func(k *Cluster) bool { return k.ARN == c.str("ClusterArn") })
	if i < 0 {
		return nil, errorf(404, "NotFoundException", "The cluster %s is not found.", c.str("ClusterArn"))
	}
	var addresses []string
	for _, host := range all[i].Hosts {
		addresses = append(addresses, host+":9098")
	}
	return obj{"bootstrapBrokerStringSaslIam": strings.Join(addresses, ",")}, nil
}

// mqService is Amazon MQ. AWS publishes no rates of its control plane.
func mqService() *service {
	return &service{
		name: "mq", prefix: "mq", protocol: restJSON,
		words: map[failure]wording{
			failThrottled:  {status: 429, code: "TooManyRequestsException"},
			failValidation: {status: 400, code: "BadRequestException"},
			failBadToken:   {status: 400, code: "BadRequestException"},
			failInternal:   {status: 500, code: "InternalServerErrorException"},
		},
		quotas: []quota{{name: "requests", perSecond: 5}},
		operations: []operation{
			{
				name: "ListBrokers", method: http.MethodGet, path: "/v1/brokers", run: listBrokers,
				params: []param{{name: "maxResults", min: 5, max: 100}},
			},
			{
				name: "DescribeBroker", method: http.MethodGet, path: "/v1/brokers/{BrokerId}", run: describeBroker,
				resource: func(c *call) string { return c.arn("mq", "broker:*:"+c.str("BrokerId")) },
			},
		},
	}
}

func broker(b *Broker) obj {
	return obj{
		"brokerArn": b.ARN, "brokerId": b.ID, "brokerName": b.Name, "brokerState": b.State, "engineType": b.Engine,
		"deploymentMode": "SINGLE_INSTANCE", "hostInstanceType": "mq.m7g.medium", "created": isoTime{b.CreatedAt},
	}
}

func listBrokers(c *call) (obj, error) {
	items, next, err := page(c, paging{token: "nextToken", limit: "maxResults", size: 100}, c.world().Brokers)
	if err != nil {
		return nil, err
	}
	return compact(obj{"brokerSummaries": mapOf(items, broker), "nextToken": next}), nil
}

func describeBroker(c *call) (obj, error) {
	all := c.world().Brokers
	i := slices.IndexFunc(all, func(b *Broker) bool { return b.ID == c.str("BrokerId") })
	if i < 0 {
		return nil, errorf(404, "NotFoundException", "Can't find requested broker [%s].", c.str("BrokerId"))
	}
	b := all[i]
	o := broker(b)
	o["authenticationStrategy"], o["engineVersion"], o["publiclyAccessible"] = "SIMPLE", "3.13", b.Public
	o["subnetIds"], o["securityGroups"], o["users"] = b.SubnetIDs, b.GroupIDs, []obj{{"username": "workers"}}
	o["brokerInstances"] = []obj{{"endpoints": []string{b.Endpoint}}}
	return o, nil
}
