"""A clip's windows in passes: the answers of the network window by window, for clips of every length."""

import numpy as np
import pytest
import torch

from lsgui.core.strip import PleuralStrip
from lsgui.imaging.strip_channels import SAMPLE_HZ, WINDOW_SAMPLES
from lsgui.inference import pipeline, whole_clip
from lsgui.inference.served_models import network_of, strip_scorer
from lsgui.inference.strip_scoring import score_windows, strip_windows
from lsgui.inference.whole_clip import WINDOWS_AT_ONCE, StripScorer
from lsgui.models.card import load_card


def texture(samples: int, columns: int, seed: int = 0) -> PleuralStrip:
    """A strip of drifting texture at the rate at which strips are sampled."""
    rng = np.random.default_rng(seed)
    wide = rng.integers(20, 200, (64, columns + samples), dtype=np.uint8)
    frames = np.stack([np.concatenate([wide[:20, :columns], wide[20:, k : k + columns]]) for k in range(samples)])
    return PleuralStrip(
        frames=frames,
        times_s=np.arange(samples) / SAMPLE_HZ,
        valid=np.ones((64, columns), dtype=np.bool_),
        wall_shift_mm=np.zeros((samples, 2)),
        wall_correlation=np.ones(samples),
        pitch_mm=0.4,
        pleura_row=20,
        calibrated=True,
    )


@pytest.fixture(scope="module")
def scorer() -> StripScorer:
    return strip_scorer("cmwru-strip", load_card("cmwru-strip"), "cpu")


@pytest.fixture(scope="module")
def network() -> torch.nn.Module:
    return network_of("cmwru-strip", load_card("cmwru-strip").sha256, "cpu")


@pytest.mark.parametrize("samples", [3, 4, 9, 31, 32, 33, 36, 39, 40, 63, 64, 71, 88, 101, 128, 207])
def test_every_length_of_clip_gets_the_answers_of_window_by_window(scorer, network, samples: int) -> None:
    strip = texture(samples, 48, samples)
    expected = np.concatenate(list(score_windows(network, strip, "cpu")))
    found = np.concatenate(list(scorer.score(strip)))
    assert found.shape == expected.shape == (len(strip_windows(strip)[1]), 6 if samples >= 4 else 1)
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("columns", [8, 12, 17, 90])
def test_lines_of_every_length_do(scorer, network, columns: int) -> None:
    strip = texture(75, columns)
    expected = np.concatenate(list(score_windows(network, strip, "cpu")))
    np.testing.assert_allclose(np.concatenate(list(scorer.score(strip))), expected, atol=1e-4)


def test_windows_come_in_small_parts_and_the_next_part_waits_until_it_is_asked_for(scorer, monkeypatch) -> None:
    computed = []
    true_call = whole_clip.ServedNetwork.__call__

    def counted(self, seen):
        computed.append(len(seen))
        return true_call(self, seen)

    monkeypatch.setattr(whole_clip.ServedNetwork, "__call__", counted)
    strip = texture(WINDOW_SAMPLES + 8 * 19 + 4, 24)  # 20 windows at the usual step, one flush with the end
    parts = scorer.score(strip)
    assert len(next(parts)) == WINDOWS_AT_ONCE
    assert len(computed) == 1
    assert [len(part) for part in parts] == [WINDOWS_AT_ONCE, 4, 1]
    assert len(computed) == 4


def test_a_last_window_off_the_step_begins_a_part_of_its_own(scorer, network) -> None:
    strip = texture(WINDOW_SAMPLES + 8 * 5 + 4, 24)
    parts = list(scorer.score(strip))
    assert [len(part) for part in parts] == [6, 1]
    expected = np.concatenate(list(score_windows(network, strip, "cpu")))
    np.testing.assert_allclose(np.concatenate(parts), expected, atol=1e-4)


def test_another_network_on_strips_is_scored_too() -> None:
    class Mean(torch.nn.Module):
        def forward(self, channels: torch.Tensor) -> torch.Tensor:
            return channels.mean(dim=(1, 2, 3))

    strip = texture(90, 24)
    expected = np.concatenate(list(score_windows(Mean(), strip, "cpu")))
    np.testing.assert_allclose(np.concatenate(list(StripScorer(Mean(), "cpu").score(strip))), expected, atol=1e-5)


def test_the_scorer_is_kept_and_says_what_computes(scorer) -> None:
    assert strip_scorer("cmwru-strip", load_card("cmwru-strip"), "cpu") is scorer
    assert scorer.prepare() == scorer.engine != ""


def test_a_warm_worker_has_computed_and_names_its_engine() -> None:
    assert pipeline.warm_up("cpu") == strip_scorer("cmwru-strip", load_card("cmwru-strip"), "cpu").engine
