package schema

// RowTypes has one value of every row type, in the order of the tables.
func RowTypes() []Row {
	return []Row{
		Function{},
		Alias{},
		ProvisionedConcurrency{},
		ResourceTags{},
		Edge{},
		EventSourceMapping{},
		EventInvokeConfig{},
		Queue{},
		RoleStatement{},
		Subnet{},
		SecurityGroup{},
		SecurityGroupRule{},
		Route{},
		NATGateway{},
		VPCEndpoint{},
		NetworkInterface{},
		AccountLimits{},
		MetricPoint{},
		MetricDay{},
		MetricRead{},
		ReportDay{},
		CostDay{},
		Price{},
		CollectorRun{},
		EvidenceGap{},
		Completion{},
		APICall{},
		Cursor{},
		AnalyzerRun{},
		Finding{},
		Judgement{},
		Measurement{},
	}
}
