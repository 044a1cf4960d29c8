package main

import "fmt"

// The sample company: 华夏精密 (Huaxia Precision), which sells machine tools in China and abroad.

func (d *demo) company() map[string]any {
	return map[string]any{
		"name": "华夏精密机床有限公司", "phone": "+86 21 6888 0000", "email": "office@huaxia.example.com",
		"address": map[string]any{"country": "CN", "region": "上海市", "city": "上海", "street": "浦东新区张江路 88 号", "postalCode": "201203"},
	}
}

var departmentNames = []string{"销售部", "市场部", "客户服务部"}

// samplePosts are the four posts of the founding document's table, each with the predefined role of its name.
var samplePosts = []struct{ name, department, template string }{
	{"销售经理", "销售部", "sales_manager"},
	{"市场专员", "市场部", "marketing_specialist"},
	{"客服代表", "客户服务部", "service_representative"},
	{"数据分析师", "市场部", "data_analyst"},
}

// samplePeople are twelve users: a sales manager, six salespeople who report to her, two in marketing, two in service, one analyst. The last
// salesperson's invitation stays unanswered for a while.
func samplePeople(suffix string) []*person {
	at := func(local string) string { return local + "." + suffix + "@huaxia.example.com" }
	boss := &person{name: "王芳", email: at("wang.fang"), phone: "13800138001", department: "销售部", post: "销售经理"}
	rep := func(i int, name, local string) *person {
		return &person{name: name, email: at(local), phone: fmt.Sprintf("1380013801%d", i), department: "销售部", manager: boss, role: "standard_user"}
	}
	return []*person{
		boss,
		rep(1, "李雷", "li.lei"), rep(2, "韩梅梅", "han.meimei"), rep(3, "张伟", "zhang.wei"),
		rep(4, "Emma Brown", "emma.brown"), rep(5, "陳大文", "chan.taiman"), rep(6, "刘洋", "liu.yang"),
		{name: "赵敏", email: at("zhao.min"), phone: "13800138021", department: "市场部", post: "市场专员"},
		{name: "Noah Smith", email: at("noah.smith"), phone: "13800138022", department: "市场部", post: "市场专员"},
		{name: "孙丽", email: at("sun.li"), phone: "13800138031", department: "客户服务部", post: "客服代表"},
		{name: "周杰", email: at("zhou.jie"), phone: "13800138032", department: "客户服务部", post: "客服代表"},
		{name: "吴桐", email: at("wu.tong"), phone: "13800138041", department: "市场部", post: "数据分析师"},
	}
}

var (
	zhCities = []string{"北京", "上海", "广州", "深圳", "杭州", "成都", "武汉", "西安", "苏州", "青岛"}
	zhTrades = []string{"机械", "电子", "汽车零部件", "航空", "模具", "医疗器械", "船舶", "轨道交通", "新能源", "仪表"}
	enNames  = []string{"Alder", "Birch", "Cedar", "Dogwood", "Elm", "Fir", "Ginkgo", "Hazel", "Ironwood", "Juniper"}
	enTrades = []string{"Tooling", "Motors", "Robotics", "Castings", "Optics", "Hydraulics", "Bearings", "Avionics", "Pumps", "Sensors"}
)

// customer is the n-th of the 200 customers: three in four Chinese companies or people, one in four from abroad.
func customer(n int) map[string]any {
	tier, stage := []string{"high", "medium", "low"}[n%3], []string{"potential", "buying", "loyal"}[n/3%3]
	c := map[string]any{"valueTier": tier, "stage": stage}
	i, j := n%10, n/10%10
	switch {
	case n%4 == 3:
		c["name"] = fmt.Sprintf("%s %s Ltd. %d", enNames[i], enTrades[j], n)
		c["type"], c["industry"] = "enterprise", enTrades[j]
		c["email"] = fmt.Sprintf("buying%d@%s.example.co.uk", n, enNames[i])
		c["phone"] = fmt.Sprintf("+44 20 7946 %04d", n)
		c["address"] = map[string]any{"country": "GB", "city": "London", "street": fmt.Sprintf("%d Foundry Lane", n+1), "postalCode": "E1 6AN"}
		c["contacts"] = []map[string]any{{"name": "Olivia Jones", "title": "Buyer", "email": fmt.Sprintf("olivia%d@example.co.uk", n), "primary": true}}
	case n%8 == 0:
		c["name"] = fmt.Sprintf("%s客户%03d", zhCities[i], n)
		c["type"] = "individual"
		c["email"], c["phone"] = fmt.Sprintf("kehu%d@example.cn", n), fmt.Sprintf("139%08d", 10000+n)
	default:
		c["name"] = fmt.Sprintf("%s%s设备有限公司%03d", zhCities[i], zhTrades[j], n)
		c["type"], c["industry"] = "enterprise", zhTrades[j]
		c["email"], c["phone"] = fmt.Sprintf("caigou%d@例子.公司", n), fmt.Sprintf("138%08d", 20000+n)
		c["address"] = map[string]any{"country": "CN", "city": zhCities[i], "street": fmt.Sprintf("工业路 %d 号", n+1)}
		c["contacts"] = []map[string]any{
			{"name": "采购部张经理", "title": "采购经理", "phone": fmt.Sprintf("137%08d", 30000+n), "primary": true},
			{"name": "技术部陈工", "title": "工程师", "email": fmt.Sprintf("chen%d@example.cn", n)},
		}
	}
	return c
}
