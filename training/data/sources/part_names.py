"""What people call the parts of a split, in folders and in tables."""

from __future__ import annotations

import re
from unicodedata import combining, normalize

from ..examples import TEST, TRAIN, VALIDATION

#: One of the parts of a cross-validation: whether it is to be tested on, its name does not say.
FOLD = "fold"
# An asterisk stands for the ends that a word has in its language.
_WORDS = {
    TRAIN: (
        "train training trainings trn treino treinamento entrain* apprentissage entrena* "
        "addestra* allena* trening* treningow* uczaca uczacy egitim обуч* трениров* навчан* "
        "训练 訓練 学习 学習 훈련 학습 تدريب प्रशिक्षण"
    ),
    VALIDATION: (
        "val valid validation validate validating validacao validacion validatie validazione "
        "convalida validier* walidac* dogrulama dev develop development валид* проверк* "
        "验证 驗證 検証 검증 تحقق"
    ),
    TEST: (
        "test tests testing tst teste testes essai prueba pruebas prova eval evaluation evaluate "
        "holdout heldout testow* тест* 测试 測試 テスト 評価 시험 테스트 평가 اختبار परीक्षण"
    ),
    FOLD: "fold kfold cv split partition",
}
_BESIDE = (
    "data dataset set sets image images img imgs photo photos picture pictures pics sample samples "
    "x folder dir part split phase daten datensatz bilder menge donnees datos imagenes dados "
    "imagens dati immagini выборка данные 集 集合 数据 數據 用 データ 画像 セット 데이터 세트"
)


def _plain(name: str) -> str:
    """Without case, accents, and what stands between words."""
    letters = normalize("NFKD", name.casefold())
    return "".join(c for c in letters if not combining(c) and (c.isalnum() or c == "*"))


def _any_of(words: str) -> str:
    each = (re.escape(_plain(word)).replace(r"\*", r"[^\W\d_]*?") for word in words.split())
    return f"(?:{'|'.join(each)})"


_PATTERNS = {
    part: re.compile(rf"{_any_of(_BESIDE)}{{0,2}}{_any_of(words)}{_any_of(_BESIDE)}{{0,2}}")
    for part, words in _WORDS.items()
}


def part_of(name: str) -> str | None:
    """One of PARTS, or FOLD, if `name` is what people call one in any usual spelling or language:
    "Training", "test_data", "dev", "валидация", "split1". Of anything else None.

    >>> from keras_inception.training.data.sources.part_names import part_of
    >>> part_of("Train_Images"), part_of("fold-3"), part_of("trainers")
    ('train', 'fold', None)
    """
    plain = _plain(name)
    word = plain.rstrip("0123456789")
    for part, pattern in _PATTERNS.items():
        if pattern.fullmatch(word):
            return part if part != FOLD or word != plain else None
    return None
