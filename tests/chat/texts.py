"""Answers as models write them, for tests that want real ones."""

from __future__ import annotations

DOCUMENT = """\
Here is **what** you need, with `code`, $x_1^2$ and a [link](https://example.org "title").
It goes on in *a second* line…

## Steps

1. Read the file:
   ```python
   for row in rows:
       print(row)  # 😀
   ```
2. Write it

   - [x] nested
   - [ ] tasks

| Name | Size |
|:-----|-----:|
| `a`  | 1    |
| b    | 2 €  |

```python
class A:
    \"\"\"Doc.

    Two paragraphs.\"\"\"

    def f(self) -> int:
        return 1
```

> A quotation
continued lazily

Setext
------

    indented code

    more of it

Text:
- tight
- list

$$
a
=
\\frac{b}{c}
$$

\\[ E = mc^2 \\]

***
~~Old~~ The end. ![own](/gallery/a.png) ![foreign](https://example.org/a.png)
"""
