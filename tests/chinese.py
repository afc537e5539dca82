"""What is no good Traditional Chinese as in Taiwan: for every test that has a text in it."""

from __future__ import annotations

import re

SIMPLIFIED = set(
    "个们这来对时会过还进现开关问题实验训练样务图应该经点标签确数据类别误测试际带总结网络层权转变种预"
    "缩报产为与单简体坏处长张准拟习线间损称组较仅么从众优传余侧储减则创势历双发号员响围圆块声备复够头"
    "学宽寻导尔尝尽属库异归当录态惯执扩择担换断无显条极构栏树档检残毕没满滤热状独环画盘离积稳穷竞笔紧"
    "约级纯细织终给统继绩续维缓编职联获虑虚虽补装见观规视览觉计订认让议记讲许论设访证评识词译话询详说"
    "请读调谱负败质费资赖趋踪软轴输边达运远连迟适选递遗释针钟链锁错键门闭队阶险随隐难页项顺须领频颜额"
    "馈鲁齐里后并于"
)
"""Characters that Taiwan writes otherwise, among those that texts on this matter would use."""
ELSEWHERE = (
    *("數據", "置信", "魯棒", "準確度", "軟件", "硬件", "默認", "信息", "線程", "內存", "硬盤"),
    *("屏幕", "文件夾", "圖像", "優化器", "程序", "視頻", "精確率", "泛化誤差", "過擬和", "運行"),
)
"""Terms of other places."""
_HAN = r"\u3400-\u9fff"
_NARROW = re.compile(rf"[{_HAN}][,;:!?()]|[,;:!?(][{_HAN}]")
_TIGHT = re.compile(rf"[{_HAN}][A-Za-z0-9]|[A-Za-z0-9%][{_HAN}]")
_LOOSE = re.compile(rf"[{_HAN}] [{_HAN}]| [，。；：（）「」、？]|[，。；：（「」、？] ")
_ENGLISH = re.compile(r"(?<![\w./-])(?!sixteenth)[A-Za-z]+(?: [a-z]+){2,}")
_KEPT = ("Hoiem et al",)


def faults(text: str) -> list[str]:
    """What should be otherwise in a text of which names are no part."""
    found = [f"simplified {letter}" for letter in sorted(SIMPLIFIED & set(text))]
    found += [f"term {term}" for term in ELSEWHERE if term in text]
    found += [f"half-width {part}" for part in _NARROW.findall(text)]
    found += [f"no space {part}" for part in _TIGHT.findall(text)]
    found += [f"space {part!r}" for part in _LOOSE.findall(text)]
    return found + english(text)


def english(text: str) -> list[str]:
    """Runs of three words and more that are neither names nor commands."""
    return [run for run in _ENGLISH.findall(text) if not run.startswith(_KEPT)]
