"""Weights files as people have them: under keys, with prefixes, or something else altogether."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from sixteenth.errors import WeightsError
from sixteenth.models import WeightsFile, load_initial_weights

State = dict[str, torch.Tensor]


def network() -> nn.Sequential:
    """A network with batch norms, a block and a classifier; enough for every shape of a file."""
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Sequential(nn.Conv2d(4, 4, 1)), nn.Linear(4, 5)
    )


@pytest.fixture(scope="module")
def state() -> State:
    torch.manual_seed(1)
    return dict(network().state_dict())


def load(path: Path, init: str = "", allow_partial: bool = False) -> tuple[nn.Module, WeightsFile]:
    model = network()
    found = load_initial_weights(
        model, "package.module:net", init or str(path), allow_partial=allow_partial
    )
    assert found is not None
    return model, found


@pytest.fixture(autouse=True)
def _no_factory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sixteenth.models.weight_files.find_factory", lambda name: network)


def prefixed(state: State, prefix: str) -> State:
    return {f"{prefix}{name}": value for name, value in state.items()}


OPTIMIZER = {"state": {0: {"exp_avg": torch.zeros(3)}}, "param_groups": [{"lr": 0.1}]}


@pytest.mark.parametrize(
    "prefix",
    [
        "module.",
        "model.",
        "_orig_mod.",
        "net.",
        "encoder.",
        "backbone.",
        "module._orig_mod.",
        "module.encoder_q.",
        "model.model.model.",
    ],
)
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_prefix_of_all_names_is_removed_and_said(
    prefix: str, suffix: str, state: State, tmp_path: Path
) -> None:
    path, content = tmp_path / f"own{suffix}", prefixed(state, prefix)
    torch.save(content, path) if suffix == ".pth" else save_file(content, path)
    model, found = load(path)
    assert (found.key, found.prefix) == ("", prefix)
    assert torch.equal(model[0].weight, state["0.weight"])  # type: ignore[index]


@pytest.mark.parametrize(
    ("keys", "beside"),
    [
        (["state_dict"], {"epoch": 3, "optimizer": OPTIMIZER}),
        (["model_state_dict"], {"optimizer_state_dict": OPTIMIZER, "loss": torch.tensor(0.5)}),
        (["model"], {"rng_state": torch.zeros(9, dtype=torch.uint8), "best": torch.tensor(0.9)}),
        (["net"], {"acc": 91.3}),
        (["ema"], {"decay": 0.99}),
        (["weird name"], {}),
        (["checkpoint", "model"], {"epoch": 3}),
        (["state_dict"], {"callbacks": {"best": {"a.ckpt": torch.tensor(0.9)}}}),
        (["state_dict"], {"hyper_parameters": {"lr": 0.1, "sizes": torch.ones(5), "name": "a"}}),
        (["model"], {"rng": {"cpu": torch.zeros(9, dtype=torch.uint8)}}),
    ],
)
def test_tensors_are_found_under_any_one_key(
    keys: list[str], beside: dict[str, Any], state: State, tmp_path: Path
) -> None:
    content: dict[str, Any] = prefixed(state, "module.")
    for key in reversed(keys):
        content = {key: content}
    torch.save({**beside, **content}, tmp_path / "own.ckpt")
    model, found = load(tmp_path / "own.ckpt")
    assert (found.key, found.prefix) == (".".join(keys), "module.")
    assert torch.equal(model[3].bias, state["3.bias"])  # type: ignore[index]


@pytest.mark.parametrize(
    ("key", "value"),
    [("state_dict", 0.0), ("state_dict_ema", 1.0), ("teacher.backbone", 2.0), ("teacher", None)],
)
def test_a_key_chooses_among_several_sets_of_tensors(
    key: str, value: float | None, state: State, tmp_path: Path
) -> None:
    path = tmp_path / "several.pth.tar"
    sets = [{name: torch.full_like(each, k) for name, each in state.items()} for k in range(4)]
    teacher = prefixed(sets[2], "backbone.") | {"queue": torch.zeros(7)}
    torch.save({"state_dict": sets[0], "state_dict_ema": sets[1], "teacher": teacher}, path)
    with pytest.raises(WeightsError) as refused:
        load(path)
    assert str(refused.value) == (
        f"{path} holds several sets of tensors: state_dict (11), state_dict_ema (11), "
        f"teacher (12); choose one, such as {path}#state_dict"
    )
    if value is None:
        with pytest.raises(WeightsError, match=r"are there under backbone\. beside others"):
            load(path, f"{path}#{key}")
        return
    for init in (f"{path}#{key}", f"{path}#{key}#imagenet", f"{path}#imagenet#{key}"):
        model, found = load(path, init)
        assert found.key == key
        assert (found.normalisation is None) == ("imagenet" not in init)
        assert torch.all(model[0].weight == value)  # type: ignore[index]


def test_a_part_of_the_names_is_offered_where_others_stand_beside_it(
    state: State, tmp_path: Path
) -> None:
    path, init = tmp_path / "moco.pth.tar", f"{tmp_path / 'moco.pth.tar'}#state_dict"
    body = {name: value for name, value in state.items() if not name.startswith("3.")}
    head = {"3.0.weight": torch.zeros(4, 4), "3.2.weight": torch.zeros(9, 4)}
    names = prefixed({**body, **head}, "module.encoder_q.") | {"module.queue": torch.zeros(2)}
    torch.save({"state_dict": names | prefixed(body, "module.encoder_k.")}, path)
    with pytest.raises(WeightsError) as refused:
        load(path)
    assert str(refused.value).endswith(
        "its names are there under module.encoder_k., module.encoder_q. beside others: choose "
        f"with {init}.module.encoder_k or {init}.module.encoder_q"
    )
    for key in ("state_dict.module.encoder_q", "module.encoder_q"):
        with pytest.raises(WeightsError, match=r"the classifier 3 is absent .* with --allow-part"):
            load(path, f"{path}#{key}")
        model, found = load(path, f"{path}#{key}", allow_partial=True)
        assert found.key == "state_dict.module.encoder_q"
        assert torch.equal(model[0].weight, state["0.weight"])  # type: ignore[index]
    with pytest.raises(WeightsError, match=r"the key 'emma' is not in the file; tensors are under"):
        load(path, f"{path}#emma")


def pointer(path: Path, state: State) -> None:
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")


def web_page(path: Path, state: State) -> None:
    path.write_text("<!DOCTYPE html><html>Sign in</html>")


def script(path: Path, state: State) -> None:
    torch.jit.save(torch.jit.trace(nn.Linear(2, 2), torch.zeros(1, 2)), path)


def keras(path: Path, state: State) -> None:
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(99))


def whole(path: Path, state: State) -> None:
    torch.save(network(), path)


def whole_in_the_old_format(path: Path, state: State) -> None:
    torch.save({"model": network()}, path, _use_new_zipfile_serialization=False)


def namespace(path: Path, state: State) -> None:
    torch.save({"model": state, "args": argparse.Namespace(lr=1)}, path)


def optimizer(path: Path, state: State) -> None:
    torch.save(OPTIMIZER, path)


def optimizer_beside_numbers(path: Path, state: State) -> None:
    torch.save({"epoch": 3, "optimizer": OPTIMIZER}, path)


def a_shard(path: Path, state: State) -> None:
    save_file({"0.weight": state["0.weight"]}, path)


def another_archive(path: Path, state: State) -> None:
    import zipfile

    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("resnet18.pth", b"x")


def torch_named_safetensors(path: Path, state: State) -> None:
    torch.save(state, path)


def safetensors_named_pth(path: Path, state: State) -> None:
    save_file(state, path)


def another_network(path: Path, state: State) -> None:
    torch.save(prefixed({"head.w": torch.ones(2), "head.b": torch.ones(2)}, "module."), path)


def itself(path: Path, state: State) -> None:
    content: dict[str, Any] = {"epoch": 1}
    content |= {f"again {k}": content for k in range(300)}
    torch.save(content, path)


@pytest.mark.filterwarnings("ignore::FutureWarning")  # torch.jit is on its way out
@pytest.mark.parametrize(
    ("name", "make", "said"),
    [
        ("a.pth", pointer, "is a Git LFS pointer, not the file itself: fetch it with git lfs pull"),
        ("a.safetensors", pointer, "is a Git LFS pointer"),
        ("a.pth", web_page, "is a web page: download the file itself"),
        ("a.pth", keras, "is an HDF5 file, as Keras writes, and no weights of torch"),
        ("a.pt", script, "is a TorchScript archive, a program with its weights"),
        ("a.pt", whole, "it holds a whole pickled model (torch.nn.modules.container.Sequential,"),
        ("a.pt", whole_in_the_old_format, "it holds a whole pickled model (torch.nn.modules."),
        ("a.pth", namespace, "(objects beside tensors: argparse.Namespace)"),
        ("a.pth", optimizer, "holds the state of an optimizer and no weights"),
        ("a.pth", optimizer_beside_numbers, "an optimizer (under 'optimizer') and no weights"),
        (
            "model-00001-of-00003.safetensors",
            a_shard,
            "does not fit this network: it lacks 0.bias and 6 more; by its name it is part 1 of 3",
        ),
        ("a.pth", another_archive, "an archive without tensors of torch (it has resnet18.pth)"),
        ("a.safetensors", torch_named_safetensors, "as torch's own files do: name it .pth"),
        ("a.pth", safetensors_named_pth, "as a safetensors file does: name it .safetensors"),
        ("a.pth", another_network, "none of its 2 names, such as module.head.w, is this network's"),
        ("a.pth", itself, "holds no named tensors: 'epoch' is not a tensor but int"),
    ],
)
def test_what_holds_no_weights_of_the_network_is_called_what_it_is(
    name: str, make: Callable[[Path, State], None], said: str, state: State, tmp_path: Path
) -> None:
    path = tmp_path / name
    make(path, state)
    with pytest.raises(WeightsError) as refused:
        load(path)
    message = str(refused.value)
    assert message.startswith(str(path))
    assert said in message
    assert "\n" not in message
    assert "never" not in message
    assert "another network" not in message


@pytest.mark.parametrize("first", [0x3C, 0x20, 0x0A, 0x50, 0x80])
def test_a_header_of_any_length_is_no_other_kind_of_file(
    first: int, state: State, tmp_path: Path
) -> None:
    """A safetensors file begins with the length of its header: also as "<", a space, "P"."""
    path = tmp_path / "own.safetensors"
    save_file(state, path)
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    padding = (first - length) % 256
    header = (length + padding).to_bytes(8, "little") + content[8 : 8 + length] + b" " * padding
    path.write_bytes(header + content[8 + length :])
    assert path.read_bytes()[0] == first
    model, _ = load(path)
    assert torch.equal(model[3].bias, state["3.bias"])  # type: ignore[index]
    path.rename(tmp_path / "own.pth")
    with pytest.raises(WeightsError, match=r"begins as a safetensors file does: name it"):
        load(tmp_path / "own.pth")


def test_a_missing_file_says_where_it_was_looked_for_and_a_url_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WeightsError, match=f"no weights file w.pth in {tmp_path}"):
        load(Path("w.pth"))
    with pytest.raises(
        WeightsError, match=r"https://example\.org/w\.pth, which is a URL: download"
    ):
        load(Path(), "https://example.org/w.pth")
    with pytest.raises(WeightsError, match=r"init 'https://example.org/w', which is a URL"):
        load(Path(), "https://example.org/w")
    Path("w.bin").write_bytes(b"x")
    with pytest.raises(WeightsError, match=r"if torch\.save wrote that file, name it \.pth"):
        load(Path("w.bin"))


@pytest.mark.parametrize(
    ("init", "key", "prefix", "said"),
    [
        ("w.pth", "ema", "module.", "tensors under the key ema, prefix module. removed"),
        ("w.pth", "", "", "tensors at the top of the file, names as they are"),
        ("imagenet", "", "", ""),
        ("imagenet", "", "net.", "tensors at the top of the file, prefix net. removed"),
    ],
)
def test_how_weights_were_read_is_said_unless_they_go_by_a_name(
    init: str, key: str, prefix: str, said: str
) -> None:
    from sixteenth.language import language_for
    from sixteenth.storage.run_facts import WeightsFacts

    facts = WeightsFacts(file="w.pth", key=key, prefix=prefix)
    line = language_for().understood_weights("resnet18", init, facts)
    assert line == (said and f"initial weights of resnet18 from w.pth: {said}")
