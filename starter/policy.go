package main

import (
	"errors"
	"io"

	"github.com/spf13/cobra"

	"github.com/kamflow/kamflow/internal/term"
	"github.com/kamflow/kamflow/kam/rules/policy"
)

func policyCommand(a *app) *cobra.Command {
	cmd := group("policy", "Check and read rule sets")
	cmd.AddCommand(&cobra.Command{
		Use:   "check FILE",
		Short: "Say what is wrong with a policy file, with line and column",
		Args:  cobra.ExactArgs(1),
		RunE:  func(_ *cobra.Command, args []string) error { return a.checkPolicy(args[0]) },
	})
	var version int
	var shipped bool
	show := &cobra.Command{
		Use:   "show",
		Short: "Print the policy in force, or another version",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if shipped {
				return a.policyText(policy.DefaultYAML())
			}
			back, err := a.system(cmd.Context())
			if err != nil {
				return err
			}
			b, err := back.Policy(cmd.Context(), a.me(), version)
			if err != nil {
				return unreachable("PostgreSQL", err)
			}
			return a.policyText(b)
		},
	}
	show.Flags().IntVar(&version, "version", 0, "version (default: the newest)")
	show.Flags().BoolVar(&shipped, "shipped", false, "the one that comes with the program")
	cmd.AddCommand(show)
	return cmd
}

func (a *app) policyText(yaml []byte) error {
	if a.json {
		return a.printJSON(map[string]string{"yaml": string(yaml)})
	}
	_, err := io.WriteString(a.out, term.CleanLines(string(yaml)))
	return err
}

// group makes a verb that has verbs of its own.
func group(use, short string) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("%s knows no %q; %s --help lists what it knows", cmd.CommandPath(), args[0], cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
}

// policyJSON is the answer of policy check.
type policyJSON struct {
	File     string           `json:"file"`
	Valid    bool             `json:"valid"`
	Version  int              `json:"version,omitempty"`
	Problems []policy.Problem `json:"problems"`
	// NotInForce are the settings that keep their default.
	NotInForce []policy.Setting `json:"not_in_force,omitempty"`
}

// notInForce lists what a policy cannot change yet.
func (a *app) notInForce() {
	for _, s := range policy.NotInForce() {
		a.say("policy.idle", s.Path, s.Why)
	}
}

func (a *app) checkPolicy(path string) error {
	b, err := a.readFile(path)
	if err != nil {
		return err
	}
	p, err := policy.Load(b, a.now())
	var bad *policy.Error
	switch {
	case err == nil && a.json:
		return a.printJSON(policyJSON{File: path, Valid: true, Version: p.Version, Problems: []policy.Problem{}, NotInForce: policy.NotInForce()})
	case err == nil:
		a.say("policy.clean", path)
		a.notInForce()
		return nil
	case !errors.As(err, &bad):
		return usageError{err}
	case a.json:
		if err := a.printJSON(policyJSON{File: path, Problems: bad.Problems}); err != nil {
			return err
		}
	default:
		for _, x := range bad.Problems {
			a.printf("%s\n", term.Clean(path+":"+itoa(x.Line)+":"+itoa(x.Column)+": "+x.Path+": "+a.words.Sentence(x.Sentence())))
		}
	}
	return printed{exitError{exitUsage, errors.New(a.text("error.usage"))}}
}
