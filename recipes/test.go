package recipes

// Test runs a program of the finished image, as the image's user, with a
// read-only root and no network.
type Test struct {
	Pos Pos `yaml:"-"`
	// Name is how reports call the test. Empty is the command.
	Name string `yaml:"name"`
	// Run is the program, as an absolute path, and its arguments.
	Run []string `yaml:"run" kiln:"required"`
	// Exit is the expected exit code.
	Exit int `yaml:"exit"`
	// Stdout and Stderr must occur in what the program writes. Between
	// slashes (/…/) they are regular expressions.
	Stdout string `yaml:"stdout"`
	Stderr string `yaml:"stderr"`
	// Env are environment variables of the program, besides the image's.
	Env map[string]string `yaml:"env" kiln:"scalar,shell"`
}
