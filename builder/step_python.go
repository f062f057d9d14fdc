package builder

import (
	_ "embed"
	"maps"
	"path"

	"github.com/moby/buildkit/client/llb"

	"github.com/kiln-build/kiln/recipes"
)

// wheelsDir has the wheels that requirements name.
const wheelsDir = "/wheels"

//go:embed scripts/python-finish.py
var pythonFinish string

// pythonFetchScript takes wheels alone: to build a source distribution is to
// run it, and would need the network.
const pythonFetchScript = `test -f "$1" || { echo "there is no $1 that says which wheels to fetch" >&2; exit 1; }
exec python3 -m pip download --quiet --no-cache-dir --no-deps --require-hashes --only-binary :all: --dest ` + wheelsDir + ` -r "$1"`

// pythonScript makes a wheel of the project, and has pip install all by their
// digests at once, the project's being what was just made.
const pythonScript = `program=$1 home=$2 requirements=$3 wheels=$4 project=$5; shift 5
pip() { python3 -m pip "$@"; }
set -- "$home" "$DESTDIR" "$@"
mkdir /tmp/project
: >/tmp/project/requirements
if [ -n "$project" ]; then
  pip wheel --quiet --no-deps --no-index --no-build-isolation --wheel-dir /tmp/project "./$project"
  for wheel in /tmp/project/*.whl; do
    file=${wheel##*/} name=${wheel##*/} sum=$(sha256sum "$wheel")
    name=${name%%-*} version=${file#*-}
    echo "$name==${version%%-*} --hash=sha256:${sum%% *}" >>/tmp/project/requirements
  done
fi
test -z "$requirements" || cat "$requirements" >>/tmp/project/requirements
pip install --quiet --no-index --find-links /tmp/project --find-links "$wheels" --no-deps --require-hashes \
  --no-compile --no-warn-script-location --target "$DESTDIR$home" -r /tmp/project/requirements
exec python3 -c "$program" "$@"`

func (p *Plan) pythonStep(s recipes.Step) {
	y := s.Python
	env := map[string]string{
		"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1",
		"PIP_NO_CACHE_DIR": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_ROOT_USER_ACTION": "ignore",
	}
	maps.Copy(env, y.Env)
	wheels := y.Wheels
	var mounts []llb.RunOption
	if s.Fetches() {
		wheels = wheelsDir
		mounts = append(mounts, llb.AddMount(wheelsDir, p.wheels(s), llb.Readonly))
	}
	if wheels == "" {
		wheels = "/tmp/project"
	}
	args := shell(pythonScript, "python", pythonFinish, y.Output, y.Requirements, wheels, y.Project)
	p.run(s, y.Dir, env, append(args, y.Bins...), "pip install into "+y.Output, mounts...)
}

// wheels fetches what the requirements name, which have the digests.
func (p *Plan) wheels(s recipes.Step) llb.State {
	return p.fetch(s, fetch{
		title: "fetch wheels", dir: s.Python.Dir, out: wheelsDir,
		files: []string{path.Join(s.Python.Dir, s.Python.Requirements)},
		args:  shell(pythonFetchScript, "python", s.Python.Requirements),
		env:   append([][2]string{{"PIP_ROOT_USER_ACTION", "ignore"}}, ecosystemEnv()...),
	})
}
