package main

import (
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kamflow/kamflow/internal/text"
)

// speak takes the language of the command line or the environment before
// anything is read, so that help and refusals of the command line itself are in
// it. A configuration file may set another one, see [app.prepare].
func (a *app) speak(args []string) error {
	asked := os.Getenv("KAM_LANG")
	for i, arg := range args {
		if value, ok := strings.CutPrefix(arg, "--lang"+"="); ok {
			asked = value
		} else if arg == "--lang" && i+1 < len(args) {
			asked = args[i+1]
		}
	}
	words, err := text.Wanted(asked)
	if err != nil {
		return err
	}
	a.words = words
	return nil
}

// helpWords are the headings of the library's help.
var helpWords = []string{"Usage:", "Aliases:", "Examples:", "Available Commands:", "Additional Commands:", "Flags:", "Global Flags:", "Additional help topics:"}

// moreHelp is its last line.
const moreHelp = `Use "{{.CommandPath}} [command] --help" for more information about a command.`

// inLanguage says the help of all commands in the person's language.
func (a *app) inLanguage(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	pairs := []string{moreHelp, a.words.Word(moreHelp)}
	for _, w := range helpWords {
		pairs = append(pairs, "\n"+w, "\n"+a.words.Word(w))
	}
	template := strings.NewReplacer(pairs...).Replace("\n" + root.UsageTemplate())
	root.SetUsageTemplate(strings.TrimPrefix(template, "\n"))
	a.translate(root)
}

func (a *app) translate(c *cobra.Command) {
	c.InitDefaultHelpFlag()
	c.Short, c.Long = a.words.Word(c.Short), a.words.Word(c.Long)
	flags := func(f *pflag.Flag) {
		if f.Name == "help" {
			f.Usage = a.text("flag.help", c.Name())
			return
		}
		f.Usage = a.words.Word(f.Usage)
	}
	c.LocalFlags().VisitAll(flags)
	c.PersistentFlags().VisitAll(flags)
	for _, sub := range c.Commands() {
		a.translate(sub)
	}
}
