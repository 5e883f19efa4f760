"""Runs the questions of queries.sql on a finished run and prints the answers.

    python duckdb_queries.py OUT        OUT: a folder, written as Parquet
"""

import sys
from pathlib import Path

import duckdb
import polars


def main(out: str) -> None:
    connection = duckdb.connect()
    connection.execute("SET VARIABLE out = $out", {"out": str(Path(out))})
    answers = 0
    polars.Config.set_tbl_hide_dataframe_shape(True).set_tbl_hide_column_data_types(True).set_tbl_rows(50)
    for statement in connection.extract_statements((Path(__file__).parent / "queries.sql").read_text()):
        answer = connection.execute(statement)
        if statement.type == duckdb.StatementType.SELECT:
            names = [name for name, *_ in answer.description]
            print(polars.DataFrame(answer.fetchall(), schema=names, orient="row"))
            answers += 1
    rows = connection.execute("SELECT sum(rows), (SELECT count(*) FROM faces) FROM files WHERE kind = 'data'").fetchone()
    assert rows[0] == rows[1], f"the manifest says {rows[0]} rows, the files have {rows[1]}"
    made = connection.execute(
        "SELECT count(*) FILTER (kind = 'augmented'), (SELECT sum(variants) FROM people) FROM faces"
    ).fetchone()
    assert made[0] == made[1], f"the files have {made[0]} variants, the people have {made[1]}"
    print(f"DuckDB: {answers} questions answered")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python duckdb_queries.py OUT")
    main(sys.argv[1])
