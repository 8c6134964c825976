"""Print every number that the article states beside ours; exit with 1 where one does not hold."""

from bnlab.articles.article_004 import STUDY
from bnlab.articles.article_004.sequence import measure
from bnlab.claims import ExactEvidence, ExactValue, Judged, judge_exact
from bnlab.statistics import Verdict


def check_all() -> list[Judged]:
    """Return every claim with its verdict, in the article's order."""
    ours = measure()
    return [judge_exact(claim, ours[claim.check.quantity]) for claim in STUDY.claims if isinstance(claim.check, ExactValue)]


def main() -> None:
    """Print the table."""
    checks = check_all()
    width = max(len(judged.claim.check.quantity) for judged in checks if isinstance(judged.claim.check, ExactValue))
    print(f"{'article 004':<{width}}  {'stated':>13}  {'ours':>13}")
    for judged in checks:
        claim, evidence = judged.claim, judged.evidence
        if isinstance(claim.check, ExactValue) and isinstance(evidence, ExactEvidence) and claim.stated:
            tolerance = claim.check.tolerance
            held = f"within {tolerance:.5f}" if tolerance else "equal"
            verdict = held if judged.verdict is Verdict.REPRODUCED else "DIFFERS"
            print(f"{claim.check.quantity:<{width}}  {claim.stated.text:>13}  {evidence.printed:>13}  {verdict}")
    raise SystemExit(any(judged.verdict is not Verdict.REPRODUCED for judged in checks))


if __name__ == "__main__":
    main()
