"""What may be set of the rules by which images are kept for review, for every model without rules of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from sidecar.app.parts import Duration, Part, Share

if TYPE_CHECKING:
    from sidecar.data_engine import SamplingConfig as Rules

Count = Annotated[int, Field(ge=1, le=1_000_000)]
Hold = Annotated[Duration, Field(le=7 * 86_400)]
ClassName = Annotated[str, Field(min_length=1, max_length=200)]


class RateLimitsConfig(Part):
    """At most so many images of the rule; not set: any number."""

    per_minute: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    per_hour: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    per_day: Annotated[int, Field(ge=0, le=1_000_000)] | None = None


class Rule(Part):
    """A rule that is named is on. After an image of a camera it keeps none of that camera for ``cool_down``."""

    enabled: bool = True
    limits: RateLimitsConfig = RateLimitsConfig()
    cool_down: Hold = 0.0


class LowConfidenceConfig(Rule):
    threshold: Share = 0.4
    sample_rate: Share = 0.1


class CloseToThresholdConfig(Rule):
    threshold: Share | None = None
    epsilon: Share = 0.05
    rate: Share = 0.1
    classes: tuple[str, ...] = ()
    minimum_objects: Count = 1


class EdgeCasesConfig(Rule):
    conditions: tuple[Literal["no_detections", "high_density", "unusual_size"], ...] = (
        "no_detections",
        "high_density",
        "unusual_size",
    )
    rate: Share = 0.05


class NewClassConfig(Rule):
    rate: Share = 1.0


class RareClassConfig(Rule):
    rate: Share = 0.5
    share: Share = 0.01
    minimum_images: Count = 1_000


class ClassRuleConfig(Rule):
    rate: Share = 0.1
    threshold: Share | None = None


class DisagreementConfig(Rule):
    threshold: Share = 0.0


class RandomSampleConfig(Part):
    enabled: bool = True
    rate: Share = 0.01


class NearDuplicatesConfig(Part):
    enabled: bool = True
    window: Hold = 3_600.0
    distance: Annotated[int, Field(ge=0, le=64)] = 6
    iou: Share = 0.8


class SamplingConfig(Part):
    """Which images are kept for review. A rule that may be None is off where it is not named."""

    low_confidence: LowConfidenceConfig = LowConfidenceConfig()
    close_to_threshold: CloseToThresholdConfig | None = None
    edge_cases: EdgeCasesConfig = EdgeCasesConfig()
    new_class: NewClassConfig | None = None
    rare_class: RareClassConfig | None = None
    classes: Annotated[dict[ClassName, ClassRuleConfig], Field(max_length=100)] = Field(default_factory=dict)
    disagreement: DisagreementConfig = DisagreementConfig()
    random_sample: RandomSampleConfig = RandomSampleConfig()
    near_duplicates: NearDuplicatesConfig = NearDuplicatesConfig()

    @property
    def rules(self) -> Rules:
        """As the data engine has them."""
        from sidecar.data_engine import sampling_config  # only here: it brings what a supervisor does not need

        return sampling_config(self.model_dump(exclude_none=True))
