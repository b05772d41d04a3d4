package rules

import (
	"fmt"

	"github.com/kamflow/kamflow/kam"
)

// A Tree is the territory tree, ready for common ancestors. A nil tree knows
// no node.
type Tree struct {
	codes  []string
	rank   []int // 0 TERRITORY to 3 GLOBAL
	parent []int // -1 for the root
	at     map[string]int
}

// NewTree reads the nodes. The root may be left out: the parent of a country
// stands for it. It refuses double codes, unknown levels and parents, and a
// parent that is not of a higher level, which leaves no room for a cycle.
func NewTree(nodes []kam.TerritoryNode) (*Tree, error) {
	t := &Tree{at: make(map[string]int, len(nodes)+1)}
	root := -1
	for i, n := range nodes {
		field := func(name string) string { return fmt.Sprintf("nodes[%d].%s", i, name) }
		if _, double := t.at[n.Code]; double || n.Code == "" {
			return nil, kam.Errorf(kam.Invalid, "the code %q is empty or stands there twice", kam.Clip(n.Code, 60)).On(field("code"))
		}
		if n.Level.Rank() < 0 {
			return nil, kam.Errorf(kam.Invalid, "%q is not a level", kam.Clip(string(n.Level), 60)).On(field("level")).
				Try("use TERRITORY, REGION, COUNTRY or GLOBAL")
		}
		if n.Level == kam.LevelGlobal {
			if root >= 0 {
				return nil, kam.Errorf(kam.Invalid, "there is a second node of level GLOBAL").On(field("level"))
			}
			root = i
		}
		t.add(n.Code, n.Level.Rank())
	}
	for i, n := range nodes {
		field := fmt.Sprintf("nodes[%d].parent", i)
		up, listed := t.at[n.Parent]
		switch {
		case n.Level == kam.LevelGlobal && n.Parent == "":
			continue
		case listed:
		case root >= 0 && n.Parent == "":
			up = root
		case root < 0 && (n.Parent == "" || n.Level == kam.LevelCountry):
			code := n.Parent
			if code == "" {
				code = string(kam.LevelGlobal)
			}
			if _, taken := t.at[code]; taken {
				return nil, kam.Errorf(kam.Invalid, "the node has no parent").On(field)
			}
			root = t.add(code, kam.LevelGlobal.Rank())
			up = root
		default:
			return nil, kam.Errorf(kam.Invalid, "there is no node %q", kam.Clip(n.Parent, 60)).On(field)
		}
		if t.rank[up] <= t.rank[i] {
			return nil, kam.Errorf(kam.Invalid, "the parent %s is not of a higher level", kam.Clip(n.Parent, 60)).On(field)
		}
		t.parent[i] = up
	}
	return t, nil
}

func (t *Tree) add(code string, rank int) int {
	t.codes, t.rank, t.parent = append(t.codes, code), append(t.rank, rank), append(t.parent, -1)
	t.at[code] = len(t.codes) - 1
	return len(t.codes) - 1
}

// find is the index of a node, -1 where there is none.
func (t *Tree) find(code string) int {
	if t == nil {
		return -1
	}
	if i, ok := t.at[code]; ok {
		return i
	}
	return -1
}

// common is the lowest common ancestor of two nodes, -1 where they meet
// nowhere.
func (t *Tree) common(a, b int) int {
	for a != b && a >= 0 && b >= 0 {
		switch {
		case t.rank[a] < t.rank[b]:
			a = t.parent[a]
		case t.rank[a] > t.rank[b]:
			b = t.parent[b]
		default:
			a, b = t.parent[a], t.parent[b]
		}
	}
	if a < 0 || b < 0 {
		return -1
	}
	return a
}

// climb is the node itself or its first ancestor of at least a rank.
func (t *Tree) climb(i, rank int) int {
	for i >= 0 && t.rank[i] < rank && t.parent[i] >= 0 {
		i = t.parent[i]
	}
	return i
}

// above is the code of the ancestor at a level, "" where there is none.
func (t *Tree) above(code string, level kam.NodeLevel) string {
	i := t.find(code)
	if i < 0 {
		return ""
	}
	if i = t.climb(i, level.Rank()); t.rank[i] != level.Rank() {
		return ""
	}
	return t.codes[i]
}
