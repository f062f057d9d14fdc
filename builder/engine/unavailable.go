package engine

import (
	"errors"
	"strings"
)

// UnavailableError says that no engine could be had, and why each choice could
// not be used. Its text has one line per choice, and a hint below it where
// there is a way out.
type UnavailableError struct {
	Tried []Attempt
}

// Attempt is one choice of engine that could not be used.
type Attempt struct {
	Choice string
	Err    error
}

func (e *UnavailableError) Error() string {
	var b strings.Builder
	b.WriteString("connecting to a build engine: none can be used")
	for _, a := range e.Tried {
		b.WriteString("\n  " + a.Choice + ": " + a.Err.Error())
		var hinted *hintError
		if errors.As(a.Err, &hinted) {
			b.WriteString("\n    hint: " + hinted.hint)
		}
	}
	return b.String()
}

// Hint is empty: the text has a hint for each choice.
func (e *UnavailableError) Hint() string { return "" }

// Unwrap returns the errors of all choices, for errors.Is and errors.As.
func (e *UnavailableError) Unwrap() []error {
	errs := make([]error, len(e.Tried))
	for i, a := range e.Tried {
		errs[i] = a.Err
	}
	return errs
}

// hintError is an error with a way out for the user.
type hintError struct {
	error
	hint string
}

func (e *hintError) Unwrap() error { return e.error }

// Hint is the way out.
func (e *hintError) Hint() string { return e.hint }

func hint(err error, text string) error { return &hintError{err, text} }

var errNoAddress = hint(errors.New("no address is set"),
	"name one with --engine, KILN_ENGINE or BUILDKIT_HOST, such as tcp://buildkit.corp:1234")
