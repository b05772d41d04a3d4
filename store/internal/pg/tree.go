package pg

// TreeNow is the tree of territories with who holds its posts now, as n.
const TreeNow = `kam.node_at(statement_timestamp()) n`
