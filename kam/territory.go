package kam

import "slices"

// NodeLevel is a level of the territory tree.
type NodeLevel string

// The four levels, from the root down.
const (
	LevelGlobal    NodeLevel = "GLOBAL"
	LevelCountry   NodeLevel = "COUNTRY"
	LevelRegion    NodeLevel = "REGION"
	LevelTerritory NodeLevel = "TERRITORY"
)

// NodeLevels lists the levels upward, in the order of the manager chain.
var NodeLevels = []NodeLevel{LevelTerritory, LevelRegion, LevelCountry, LevelGlobal}

// Rank is 0 for TERRITORY up to 3 for GLOBAL, -1 for an unknown level.
func (l NodeLevel) Rank() int {
	for i, x := range NodeLevels {
		if x == l {
			return i
		}
	}
	return -1
}

// Tier is the key account tier that the level rolls up to.
func (l NodeLevel) Tier() Tier { return Tiers[max(l.Rank(), 0)] }

// Tiers lists the tiers upward.
var Tiers = []Tier{TierTerritory, TierRegional, TierNational, TierGlobal}

// Rank is 0 for TERRITORY up to 3 for GLOBAL, -1 for none.
func (t Tier) Rank() int {
	for i, x := range Tiers {
		if x == t {
			return i
		}
	}
	return -1
}

// Level is the level of the territory tree that a tier is managed at.
func (t Tier) Level() NodeLevel { return NodeLevels[max(t.Rank(), 0)] }

// A TerritoryNode is an element of the territory tree. A vacant node has no
// manager.
type TerritoryNode struct {
	Code      string    `json:"code"`
	Level     NodeLevel `json:"level"`
	Parent    string    `json:"parent,omitempty"`
	Name      string    `json:"name,omitempty"`
	ManagerID UserID    `json:"manager_id,omitempty"`
	Calendar  string    `json:"calendar,omitempty"`
}

// PathOf is the node, its parent and so on up to the root; empty for a code that
// is not in the tree.
func PathOf(nodes []TerritoryNode, code string) []TerritoryNode {
	byCode := make(map[string]TerritoryNode, len(nodes))
	for _, n := range nodes {
		byCode[n.Code] = n
	}
	var path []TerritoryNode
	for len(path) <= len(nodes) {
		n, ok := byCode[code]
		if !ok {
			break
		}
		path = append(path, n)
		code = n.Parent
	}
	return path
}

// Rate is an exact rate of exchange as decimal text, "1.0842".
type Rate string

// UnmarshalJSON reads a JSON number or string without going through floating
// point.
func (r *Rate) UnmarshalJSON(b []byte) error {
	s := string(b)
	if len(s) > 1 && s[0] == '"' {
		s = s[1 : len(s)-1]
	}
	if _, err := parseFixed(s, 12); err != nil {
		return err
	}
	*r = Rate(s)
	return nil
}

// BuyingLevels lists the levels of buying as they rise (P2.4.3).
var BuyingLevels = []BuyingLevel{BuyingLocal, BuyingRegional, BuyingNational, BuyingGlobal}

// Rank is 0 for LOCAL up to 3 for GLOBAL, -1 where buying is unknown.
func (b BuyingLevel) Rank() int { return slices.Index(BuyingLevels, b) }
