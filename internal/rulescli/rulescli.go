// Package rulescli is the command `rules`: the pure rules on files, without a
// server, so that anybody can check a policy or compare the engine with his
// own figures. Bad input is an error with code [kam.Invalid] whose field is
// the JSON path.
package rulescli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/rules"
	"github.com/kamflow/kamflow/kam/rules/policy"
)

// options are the flags that the verbs share.
type options struct {
	file   string
	policy string
	table  bool
}

// Command is `rules` with its verbs, ready to be mounted. It writes to the
// output of the command and reads nothing but the files that are named.
func Command() *cobra.Command {
	o := &options{}
	root := &cobra.Command{
		Use: "rules", Args: noVerb, RunE: help,
		Short: "Run the rules on a file, without a server",
		Long: "Run the rules on a book of customers (JSON) and print one JSON document.\n" +
			"The book is read from the file of -f, or from standard input with -f -; docs/examples/rules_book.json is one.",
	}
	root.PersistentFlags().StringVar(&o.policy, "policy", "", "policy file that replaces the default policy")
	root.PersistentFlags().BoolVar(&o.table, "table", false, "print a table for people instead of JSON")
	for _, v := range bookVerbs {
		root.AddCommand(o.bookCommand(v))
	}
	root.AddCommand(o.identifier(), o.normalize(), o.policyCommand())
	return root
}

// A bookVerb runs one rule over a book; the answer is written as JSON or, by
// its own method, as a table.
type bookVerb struct {
	name, short string
	run         func(*rules.Set, rules.Book) (answer, error)
}

// An answer is what a verb prints.
type answer interface {
	table() [][]string // first row: headings
}

func (o *options) bookCommand(v bookVerb) *cobra.Command {
	cmd := &cobra.Command{
		Use: v.name, Short: v.short, Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := o.load()
			if err != nil {
				return err
			}
			book, err := o.book(cmd.InOrStdin())
			if err != nil {
				return err
			}
			if err := check(v.name, p, book); err != nil {
				return err
			}
			a, err := v.run(p, book)
			if err != nil {
				return err
			}
			return o.print(cmd.OutOrStdout(), a)
		},
	}
	cmd.Flags().StringVarP(&o.file, "file", "f", "", "the book, - for standard input")
	return cmd
}

// noVerb refuses what would be a verb, so that a misspelt one is no success.
func noVerb(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return kam.Errorf(kam.Invalid, "there is no verb %q", args[0]).Try("%s --help lists them", cmd.CommandPath())
	}
	return nil
}

func help(cmd *cobra.Command, _ []string) error { return cmd.Help() }

func noArgs(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return kam.Errorf(kam.Invalid, "the argument %q is not understood", args[0]).Try("name the book with -f FILE")
	}
	return nil
}

// exactArgs wants n arguments, and says so as bad input.
func exactArgs(n int, what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != n {
			return kam.Errorf(kam.Invalid, "arguments given: %d", len(args)).Try("give %s", what)
		}
		return nil
	}
}

// load reads the policy.
func (o *options) load() (*rules.Set, error) {
	if o.policy == "" {
		return rules.Default()
	}
	p, err := readPolicy(o.policy, policy.Parse)
	if err != nil {
		return nil, err
	}
	return rules.Under(p), nil
}

// readPolicy reads a policy file. The rules on files take settings that the
// engine does not carry out; the check does not.
func readPolicy(name string, parse func([]byte) (*policy.Policy, error)) (*policy.Policy, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, kam.Errorf(kam.Invalid, "%v", err).On("policy")
	}
	p, err := parse(text)
	var bad *policy.Error
	if errors.As(err, &bad) {
		return nil, fmt.Errorf("the policy %s is refused:\n%w", name, err)
	}
	return p, err
}

// book reads the input as a stream.
func (o *options) book(stdin io.Reader) (rules.Book, error) {
	switch o.file {
	case "":
		return rules.Book{}, kam.Errorf(kam.Invalid, "no book is given").On("-f").Try("name a file with -f FILE, or -f - for standard input")
	case "-":
		return readBook(stdin)
	}
	f, err := os.Open(o.file)
	if err != nil {
		return rules.Book{}, kam.Errorf(kam.Invalid, "%v", err).On("-f")
	}
	defer f.Close() //nolint:errcheck // read only
	return readBook(f)
}

func (o *options) print(w io.Writer, a answer) error {
	if o.table {
		return printTable(w, a.table())
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(a)
}
