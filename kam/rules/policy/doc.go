// Package policy holds the numbers by which the rules decide (P3.9): it reads
// the policy file strictly, says with line and column what is wrong with it,
// fills in what came later, and publishes the schema. What is loaded must be
// carried out, see [Load]; what was stored is read by [Parse].
package policy
